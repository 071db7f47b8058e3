import base from './jest.acceptance.config.js';

/** The built program under the Windows build of Node.js, in the lab of test/lab/windows: one process of Wine's at a time. */
export default { ...base, testMatch: ['<rootDir>/test/windows/**/*.test.ts'], testTimeout: 5 * 60_000 };
