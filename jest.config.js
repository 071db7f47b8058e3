/** What `npm test` runs; jest.acceptance.config.js adds to it. ESM needs NODE_OPTIONS=--experimental-vm-modules. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/acceptance/',
    '<rootDir>/test/boot/',
    '<rootDir>/test/long/',
    '<rootDir>/test/windows/',
  ],
  // Two test files at once also on two cores: most of them wait for processes and sockets.
  maxWorkers: 2,
  testTimeout: 20_000,
  extensionsToTreatAsEsm: ['.ts'],
  resolver: '<rootDir>/scripts/jest-resolver.cjs',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
      },
    ],
    '/templates/': '<rootDir>/scripts/jest-raw-text.cjs',
  },
};
