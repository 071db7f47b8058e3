import { describe, expect, test } from '@jest/globals';
import { createFlags } from '../../src/cli/create-flags.js';
import { commandHelp, programHelp } from '../../src/cli/help.js';
import type { DriverOption } from '../../src/core/driver.js';
import { SAMPLE_COMMANDS, SAMPLE_TABLE } from './sample-commands.js';

const facts = { programName: 'docker-machine', version: '0.1.0', build: 'bd45ab1' };

function helpOf(name: string, options?: readonly DriverOption[]): string {
  const spec = SAMPLE_TABLE.get(name);
  if (spec === undefined) throw new Error(`no such command: ${name}`);
  return commandHelp(facts, spec, options === undefined ? spec.flags : createFlags(options));
}

/** Tabs as a terminal shows them. */
function shown(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      let out = '';
      for (const character of line) out += character === '\t' ? ' '.repeat(8 - (out.length % 8)) : character;
      return out;
    })
    .join('\n');
}

test('a command with flags: the help of docker-machine ls', () => {
  expect(helpOf('ls')).toBe(
    [
      'Usage: docker-machine ls [OPTIONS] [arg...]',
      '',
      'List machines',
      '',
      'Options:',
      '   ',
      '   --quiet, -q\t\t\t\t\tEnable quiet mode',
      '   --filter [--filter option --filter option]\tFilter output based on conditions provided',
      '   --timeout, -t "10"\t\t\t\tTimeout in seconds, default to 10s',
      '   --format, -f \t\t\t\tPretty-print machines using a Go template',
      '',
    ].join('\n'),
  );
  // As docker-machine's documentation of ls shows it (docs/reference/ls.md in its repository).
  expect(shown(helpOf('ls'))).toContain(
    [
      '   --quiet, -q                                  Enable quiet mode',
      '   --filter [--filter option --filter option]   Filter output based on conditions provided',
      '   --timeout, -t "10"                           Timeout in seconds, default to 10s',
      '   --format, -f                                 Pretty-print machines using a Go template',
    ].join('\n'),
  );
});

test('a command without flags has no [OPTIONS]', () => {
  expect(helpOf('ip')).toBe(
    'Usage: docker-machine ip [arg...]\n\nGet the IP address of a machine\n\n' +
      'Description:\n   Argument(s) are one or more machine names.\n',
  );
});

test('a flag of one letter has one dash', () => {
  expect(helpOf('rm')).toContain('\n   -y\t\tAssumes automatic yes to proceed with remove\n');
});

describe('create', () => {
  const text = helpOf('create', [
    {
      name: 'virtualbox-memory',
      type: 'int',
      default: 1024,
      env: 'VIRTUALBOX_MEMORY_SIZE',
      help: 'Size of memory',
    },
    { name: 'aaa', type: 'bool', help: 'first' },
  ]);

  test('flags are sorted, with defaults and variables', () => {
    expect(shown(text)).toContain(
      '   --driver, -d                                                                                         Driver to create machine with; without it VirtualBox where it is usable, else QEMU [$MACHINE_DRIVER]\n',
    );
    expect(text).toMatch(/\n {3}--virtualbox-memory "1024"\t+Size of memory \[\$VIRTUALBOX_MEMORY_SIZE\]\n$/);
    expect(text).toMatch(/\n {3}--engine-opt \[--engine-opt option --engine-opt option\]\t/);
    const names = [...text.matchAll(/^ {3}(--[a-z-]+)/gm)].map((match) => match[1]);
    expect(names).toEqual([...names].sort());
    expect(names[0]).toBe('--aaa');
  });

  test('says how to see the flags of a driver, with the program as it was called', () => {
    const spec = SAMPLE_TABLE.get('create');
    expect(
      spec && commandHelp({ ...facts, programName: 'C:\\Docker Toolbox\\docker-machine.exe' }, spec),
    ).toContain(
      "Usage: docker-machine.exe create [OPTIONS] [arg...]\n\nCreate a machine\n\nDescription:\n   Run 'C:\\Docker Toolbox\\docker-machine.exe create --driver name --help' to include",
    );
  });
});

test('the help of the program', () => {
  expect(shown(programHelp(facts, SAMPLE_COMMANDS))).toBe(
    `Usage: docker-machine [OPTIONS] COMMAND [arg...]

Create and manage machines running Docker.

Version: 0.1.0, build bd45ab1

Author:
  The tmachine contributors

Options:
  --debug, -D           Enable debug mode
  --storage-path, -s    Configures storage path [$MACHINE_STORAGE_PATH]
  --tls-ca-cert         CA to verify remotes against [$MACHINE_TLS_CA_CERT]
  --tls-ca-key          Private key to generate certificates [$MACHINE_TLS_CA_KEY]
  --tls-client-cert     Client cert to use for TLS [$MACHINE_TLS_CLIENT_CERT]
  --tls-client-key      Private key used in client TLS auth [$MACHINE_TLS_CLIENT_KEY]
  --github-api-token    Token to use for requests to the Github API [$MACHINE_GITHUB_API_TOKEN]
  --native-ssh          Use the native (built-in) SSH implementation, which is always used here. [$MACHINE_NATIVE_SSH]
  --bugsnag-api-token   Accepted and ignored: nothing is ever reported [$MACHINE_BUGSNAG_API_TOKEN]
  --proxy               Proxy for downloads, http://HOST:PORT or the like, or "direct" [$MACHINE_PROXY]
  --proxy-pac           URL or file of a proxy auto-configuration script [$MACHINE_PROXY_PAC]
  --ca-cert             PEM file of authorities to trust beside those of the system [$MACHINE_CA_CERT]
  --downloader          built-in, or curl for proxies that want NTLM or Negotiate [$MACHINE_DOWNLOADER]
  --help, -h            show help
  --version, -v         print the version
  
Commands:
  create        Create a machine
  ls            List machines
  rm            Remove a machine
  ip            Get the IP address of a machine
  ssh           Log into or run a command on a machine with SSH.
  help, h       Shows a list of commands or help for one command
  version       Show the version
  
Run 'docker-machine COMMAND --help' for more information on a command.
`,
  );
});
