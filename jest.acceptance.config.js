import base from './jest.config.js';

/** Real virtual machines: one at a time, and minutes each where nothing speeds them up. */
export default {
  ...base,
  testMatch: ['<rootDir>/test/acceptance/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
  testTimeout: 15 * 60_000,
};
