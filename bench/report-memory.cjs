'use strict';
// Preloaded into the program that is measured: its largest resident memory goes to stderr when it ends.

process.on('exit', () => {
  require('node:fs').writeSync(2, `peak-kib ${process.resourceUsage().maxRSS}\n`);
});
