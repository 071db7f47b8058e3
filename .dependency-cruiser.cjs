'use strict';
// Who may import whom: the table of src/README.md as rules. `npm run lint` checks them, and
// test/toolchain/borders.test.ts shows for each that it bites.

const NEIGHBOURS = 'drivers|provisioners|store|ssh|certs|download';
// Modules of Node that act on the outside world, by kind.
const PROCESSES = '^(child_process|cluster|module|os|process|readline|repl|timers|vm|worker_threads)(/|$)';
const FILES = '^fs(/|$)';
const SOCKETS = '^(dgram|dns|http|http2|https|net|tls)(/|$)';

/** `folder` imports nothing of ours but `core`, itself and what `also` matches. */
function knowsOnlyCore(folder, also = []) {
  return {
    name: `${folder}-knows-only-core`,
    comment:
      'Arrows point at core. What two neighbours need from each other, an action in core carries across.',
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: { path: '^src/', pathNot: [`^src/(core|${folder})/`, ...also] },
  };
}

/** The named npm package is the business of one folder: another can be put in its place there. */
function ownedBy(folder, packages) {
  return {
    name: `${packages.split('|')[0]}-only-in-${folder.replace('|', '-and-')}`,
    comment: `The package stays behind the functions of src/${folder}.`,
    severity: 'error',
    from: { path: '^src/', pathNot: `^src/(${folder})/` },
    to: { path: `(^|/)node_modules/(@types/)?(${packages})/` },
  };
}

module.exports = {
  forbidden: [
    {
      name: 'core-knows-nobody',
      comment: 'core holds the nouns, the contracts and the verbs; it imports nothing of ours.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/', pathNot: '^src/core/' },
    },
    ...['provisioners', 'store', 'ssh', 'certs', 'download', 'shells', 'ui', 'host'].map((folder) =>
      knowsOnlyCore(folder),
    ),
    {
      name: 'a-driver-knows-only-core',
      comment: 'A driver never imports ssh, store, download or another driver.',
      severity: 'error',
      from: { path: '^src/drivers/([^/]+)/' },
      to: { path: '^src/', pathNot: ['^src/core/', '^src/drivers/$1/'] },
    },
    {
      name: 'the-list-of-drivers-knows-only-drivers',
      comment: 'Files directly in src/drivers list the drivers and see nothing else.',
      severity: 'error',
      from: { path: '^src/drivers/[^/]+$' },
      to: { path: '^src/', pathNot: '^src/(core|drivers)/' },
    },
    {
      name: 'commands-know-cli-core-shells-ui',
      comment:
        'A command parses, calls one action, prints. Its parts come from the App that compose.ts makes.',
      severity: 'error',
      from: { path: '^src/commands/' },
      to: { path: '^src/', pathNot: '^src/(cli|core|shells|ui)/' },
    },
    {
      name: 'a-command-knows-no-other-command',
      severity: 'error',
      from: { path: '^src/commands/([^/]+)$' },
      to: { path: '^src/commands/', pathNot: '^src/commands/$1$' },
    },
    {
      name: 'only-compose-introduces-neighbours',
      comment: 'One file of cli sees the neighbours; the flags of drivers are plain data and may be read.',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '^src/cli/compose\\.ts$' },
      to: { path: `^src/(${NEIGHBOURS})/`, pathNot: '^src/drivers/(index\\.ts|[^/]+/options\\.ts)$' },
    },
    {
      name: 'only-main-lists-commands',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/main\\.ts$' },
      to: { path: '^src/commands/', pathNot: '^src/commands/$1' },
    },
    {
      name: 'templates-come-from-compose',
      comment: 'Texts that end up in a guest are handed on as text.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^templates/' },
    },
    {
      name: 'sources-do-not-know-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts|guest)/' },
    },
    {
      name: 'processes-timers-and-os-only-in-host',
      comment:
        'The outside world is an argument (src/core/ports.ts). cli ends the process and hears signals.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(host|cli)/' },
      to: { dependencyTypes: ['core'], path: PROCESSES },
    },
    {
      name: 'files-only-where-they-are-owned',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(host|cli|drivers|store|ssh|certs|download)/' },
      to: { dependencyTypes: ['core'], path: FILES },
    },
    {
      name: 'sockets-only-where-they-are-owned',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(host|cli|ssh|certs|download)/|^src/drivers/qemu/qmp\\.ts$' },
      to: { dependencyTypes: ['core'], path: SOCKETS },
    },
    ownedBy('commands|cli', '@oclif/core'),
    ownedBy('ssh', 'ssh2'),
    ownedBy('certs', '@peculiar/x509|reflect-metadata'),
    ownedBy('download', 'got|proxy-agent|pac-resolver|quickjs-wasi|socks'),
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one subject, or a third is missing.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.d\\.ts$' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
      conditionNames: ['import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
