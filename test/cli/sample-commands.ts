import { createFlags, findDriverName } from '../../src/cli/create-flags.js';
import type { CommandSpec, CommandTable } from '../../src/cli/flag-spec.js';
import type { DriverOption } from '../../src/core/driver.js';

const DRIVERS: Readonly<Record<string, readonly DriverOption[]>> = {
  none: [{ name: 'url', type: 'string', help: 'URL of host when no driver is selected' }],
  virtualbox: [
    {
      name: 'virtualbox-memory',
      type: 'int',
      default: 1024,
      env: 'VIRTUALBOX_MEMORY_SIZE',
      help: 'Size of memory for host in MB',
    },
    { name: 'virtualbox-cpu-count', type: 'int', default: 1, help: 'number of CPUs for the machine' },
    { name: 'virtualbox-no-share', type: 'bool', help: 'Disable the mount of your home directory' },
    { name: 'virtualbox-share-folder', type: 'string', help: 'Format: dir:name' },
  ],
};

/** Commands with every kind of flag, declared as the real ones are. */
export const SAMPLE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'create',
    usage: 'Create a machine',
    description:
      "Run '$0 create --driver name --help' to include the create flags for that driver in the help text.",
    flags: createFlags(),
    flagsFor: (args, env) =>
      createFlags(DRIVERS[findDriverName(args) ?? env.MACHINE_DRIVER ?? 'virtualbox'] ?? []),
  },
  {
    name: 'ls',
    usage: 'List machines',
    flags: [
      { name: 'quiet', short: 'q', type: 'bool', help: 'Enable quiet mode' },
      { name: 'filter', type: 'slice', help: 'Filter output based on conditions provided' },
      { name: 'timeout', short: 't', type: 'int', default: 10, help: 'Timeout in seconds, default to 10s' },
      { name: 'format', short: 'f', type: 'string', help: 'Pretty-print machines using a Go template' },
    ],
  },
  {
    name: 'rm',
    usage: 'Remove a machine',
    description: 'Argument(s) are one or more machine names.',
    flags: [
      {
        name: 'force',
        short: 'f',
        type: 'bool',
        help: 'Remove local configuration even if machine cannot be removed',
      },
      { name: 'y', type: 'bool', help: 'Assumes automatic yes to proceed with remove' },
    ],
  },
  {
    name: 'ip',
    usage: 'Get the IP address of a machine',
    description: 'Argument(s) are one or more machine names.',
    flags: [],
  },
  {
    name: 'ssh',
    usage: 'Log into or run a command on a machine with SSH.',
    description: 'Arguments are [machine-name] [command]',
    flags: [],
    rawArguments: true,
  },
  {
    name: 'help',
    aliases: ['h'],
    usage: 'Shows a list of commands or help for one command',
    flags: [],
  },
  { name: 'version', usage: 'Show the version', flags: [] },
];

/** One that ends in a command of the user's; not in the list, which is what the help shows. */
const WITH: CommandSpec = {
  name: 'with',
  usage: 'Run a command with a machine',
  flags: [{ name: 'force', short: 'f', type: 'bool', help: 'Do it' }],
  takesCommand: true,
};

export const SAMPLE_TABLE: CommandTable = new Map(
  [...SAMPLE_COMMANDS, WITH].flatMap((spec) =>
    [spec.name, ...(spec.aliases ?? [])].map((name): [string, CommandSpec] => [name, spec]),
  ),
);
