'use strict';
// A reporter that leaves nothing but the numbers, in the file that TMACHINE_TEST_COUNTS names. (`--json` writes the
// failures as well, and dies of those whose errors refer to themselves.)

const { writeFileSync } = require('node:fs');

module.exports = class {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests, numTodoTests } =
      results;
    const counts = {
      passed: numPassedTests,
      // A file of tests that could not even be loaded counts as one failure.
      failed: numFailedTests + numRuntimeErrorTestSuites,
      skipped: numPendingTests + numTodoTests,
    };
    writeFileSync(process.env.TMACHINE_TEST_COUNTS, JSON.stringify(counts));
  }
};
