'use strict';
// `import text from 'FILE?raw'` in tests; see src/cli/raw-text.d.ts.

module.exports = { process: (text) => ({ code: `module.exports = ${JSON.stringify(text)};` }) };
