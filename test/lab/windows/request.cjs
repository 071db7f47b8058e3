// node.exe request.cjs REQUEST.json: runs a program of Windows with exactly the arguments, the variables and the folder that the
// request names, on our standard streams, and ends with its exit code. Through a file, because neither a Unix command line nor a Unix
// environment says everything that a Windows one can.
'use strict';

const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');

const { file, args, env, cwd } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const child = spawn(file === 'node' ? process.execPath : file, args, {
  cwd,
  env: { ...process.env, ...env },
  stdio: 'inherit',
  windowsVerbatimArguments: false,
});
child.on('error', (error) => {
  console.error(`${file}: ${error.message}`);
  process.exitCode = 127;
});
child.on('exit', (code) => {
  process.exitCode = code ?? 126;
});
