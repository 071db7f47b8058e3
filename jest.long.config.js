import base from './jest.acceptance.config.js';

/** Full kill matrices, a boot on real VirtualBox, double builds: hours, never part of CI. */
export default { ...base, testMatch: ['<rootDir>/test/long/**/*.test.ts'], testTimeout: 3 * 3600_000 };
