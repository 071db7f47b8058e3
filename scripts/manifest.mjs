// Writes oclif.manifest.json: every command with its flags, as oclif's tools know it. The program itself does not read
// it; it is there for whoever makes documentation or shell completion from an oclif program.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { COMMANDS } = createRequire(import.meta.url)('../dist/main.cjs');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const commands = {};
for (const [id, load] of Object.entries(COMMANDS)) {
  const { spec } = await load();
  commands[id] = {
    id,
    aliases: [...(spec.aliases ?? [])],
    summary: spec.usage,
    ...(spec.description === undefined ? {} : { description: spec.description.replaceAll('$0', 'tmachine') }),
    args: {},
    strict: false,
    flags: Object.fromEntries(spec.flags.map((flag) => [flag.name, manifestFlag(flag)])),
  };
}
writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify({ commands, version }, null, 2)}\n`);
console.log(`oclif.manifest.json: ${Object.keys(commands).length} commands`);

function manifestFlag({ name, short, type, env, help, default: value }) {
  return {
    name,
    ...(short === undefined ? {} : { char: short }),
    description: help,
    ...(env === undefined ? {} : { env }),
    ...(value === undefined ? {} : { default: value }),
    type: type === 'bool' ? 'boolean' : 'option',
    ...(type === 'bool' ? { allowNo: false } : { multiple: type === 'slice' }),
  };
}
