import base from './jest.acceptance.config.js';

/** A whole boot on the interpreted VirtualBox of test/lab/virtualbox: half an hour and more, never part of CI. */
export default { ...base, testMatch: ['<rootDir>/test/boot/**/*.test.ts'], testTimeout: 2 * 3600_000 };
