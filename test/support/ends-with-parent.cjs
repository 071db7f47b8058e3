// Runs the program in its arguments, and ends it when whoever started this is gone, however it ended: our standard input, a pipe, is then
// closed.
const { spawn } = require('node:child_process');

const [file, ...args] = process.argv.slice(2);
const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
const end = () => {
  child.kill('SIGTERM');
  child.kill('SIGCONT'); // it may have been stopped
};
process.stdin.on('close', end).resume();
process.on('SIGTERM', end);
child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
child.on('exit', (code) => process.exit(code ?? 1));
