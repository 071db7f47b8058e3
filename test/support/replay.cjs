#!/usr/bin/env node
// Under another name (VBoxManage) it answers as the transcript NAME.transcript beside it says: what test/lab/windows/replay.c does on Windows.
// The form of the transcript is told there; calls are noted in NAME.calls.
'use strict';

const { appendFileSync, existsSync, readFileSync } = require('node:fs');

const own = process.argv[1];
const words = process.argv.slice(2);
const lines = readFileSync(`${own}.transcript`, 'utf8').split('\n');
const calls = existsSync(`${own}.calls`) ? readFileSync(`${own}.calls`, 'utf8').split('\n') : [];
const used = new Set(calls.map((line) => Number.parseInt(line, 10)));

const fitting = [...lines.keys()].filter((at) => lines[at].startsWith('> ') && fits(lines[at].slice(2)));
const answer = fitting.find((at) => !used.has(at + 1)) ?? fitting.at(-1);
appendFileSync(`${own}.calls`, `${[answer === undefined ? 0 : answer + 1, ...words].join('\t')}\n`);
if (answer === undefined) {
  console.error('replay: nobody recorded this call');
  process.exitCode = 99;
} else {
  const next = lines.findIndex((line, at) => at > answer && line.startsWith('> '));
  for (const line of lines.slice(answer + 1, next < 0 ? undefined : next)) {
    if (line.startsWith('=')) process.exitCode = Number(line.slice(1));
    if (line.startsWith('|')) process.stdout.write(`${line.slice(2)}\n`);
    if (line.startsWith('!')) process.stderr.write(`${line.slice(2)}\n`);
  }
}

function fits(pattern) {
  const parts = pattern.split('\t');
  if (parts.at(-1) === '***') {
    return parts.slice(0, -1).every((part, at) => part === '*' || part === words[at]);
  }
  return parts.length === words.length && parts.every((part, at) => part === '*' || part === words[at]);
}
