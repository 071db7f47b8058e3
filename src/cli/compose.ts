import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import boot2dockerProfile from '../../templates/boot2docker-profile?raw';
import guestDigests from '../../templates/guest-digests?raw';
import whale from '../../templates/whale?raw';
import { createCertificateAuthority } from '../certs/authority.js';
import { createEngineProbe } from '../certs/check-endpoint.js';
import type { App } from '../core/app.js';
import type { DiagnosisParts } from '../core/diagnosis/parts.js';
import type { Driver, FlagValues } from '../core/driver.js';
import type { Reporter } from '../core/reporter.js';
import { parseRepository } from '../download/boot2docker-release.js';
import { downloaderNamed } from '../download/downloader.js';
import { guestPackageBeside, readGuestDigests } from '../download/guest-package.js';
import { createImageShelf } from '../download/image-shelf.js';
import { createImageSource } from '../download/image-source.js';
import { KNOWN_DIGESTS } from '../download/known-digests.js';
import { parseDigest, parseMirrors } from '../download/mirrors.js';
import { createProxyResolver } from '../download/proxy-resolver.js';
import { createRouteChecker } from '../download/route-check.js';
import { DRIVERS, type DriverPorts } from '../drivers/index.js';
import { hostAddresses } from '../host/host-addresses.js';
import { type Host, openHost } from '../host/open-host.js';
import { parentPrograms } from '../host/parent-programs.js';
import { reportLines } from '../host/process-report.js';
import { SystemProgramStreams } from '../host/program-streams.js';
import { readSystemFile } from '../host/system-file.js';
import { readSystemProxy } from '../host/system-proxy.js';
import { systemTcpProbe } from '../host/tcp-probe.js';
import { createTrustStore } from '../host/trust-store.js';
import { createProvisioners } from '../provisioners/index.js';
import { detectShell } from '../shells/detect.js';
import { createSshConnector } from '../ssh/connector.js';
import { FileStore } from '../store/file-store.js';
import { inspectStore } from '../store/inspect-store.js';
import { storeLayout, storeRoot } from '../store/layout.js';
import { createReporter } from '../ui/output.js';
import { askYesNo } from '../ui/prompt.js';
import { asCalled } from './as-called.js';
import { chooseDriver } from './choose-driver.js';
import { driverNotFound } from './driver-options.js';
import { readFlagValues } from './flag-values.js';
import { interruptible } from './interruption.js';
import { programName } from './program-name.js';
import { PROGRAM_BUILD, PROGRAM_VERSION } from './program-version.js';
import type { Compose, World } from './world.js';

/** Where boot images are looked for when none is named; boot2docker is frozen, but it is what users of docker-machine had. */
const RELEASES = 'boot2docker/boot2docker';

/** The real world. The only place where the parts of the program meet. `commandNames`: what may follow the program's name. */
export function compose(commandNames: readonly string[]): Compose {
  const name = programName(process.argv0, process.argv[1], process.platform);
  const called = (text: string) => asCalled(text, name, commandNames);
  return {
    environment: process.env,
    world: ({ flags, originOf, talksOn }) => {
      const isOn = (name: string) => flags[name] === true;
      const terminal = { isLent: false };
      const signal = interruptible(process, () => terminal.isLent);
      let reporter: Reporter | undefined;
      const host = openHost((report) => {
        for (const line of reportLines(report)) reporter?.debug(line);
      });
      const printer = createReporter({
        steps: talksOn === 'stdout' ? process.stdout : process.stderr,
        stderr: process.stderr,
        debug: isOn('debug'),
        env: host.facts.env,
        monotonic: () => host.clock.monotonic(),
      });
      reporter = {
        ...printer,
        step: (line) => printer.step(called(line)),
        warn: (line) => printer.warn(called(line)),
      };
      const call = { reporter, signal };
      return {
        ...worldOf(host, composeApp(host, { flags, originOf }, reporter), { call, flags, terminal, name }),
        asCalled: called,
      };
    },
  };
}

function worldOf(
  host: Host,
  app: App,
  {
    call,
    flags,
    terminal,
    name,
  }: { call: World['call']; flags: FlagValues; terminal: { isLent: boolean }; name: string },
): Omit<World, 'asCalled'> {
  return {
    app,
    call,
    programName: name,
    commandLine: [name, ...process.argv.slice(2)],
    stdout: process.stdout,
    ask: (question) =>
      askYesNo(question, { input: process.stdin, output: process.stdout, signal: call.signal }),
    exitWith: (code) => {
      process.exitCode = code;
    },
    detectShell: async (purpose) => {
      const parents = await parentPrograms(host.facts, host.processes);
      const { shell, notice } = detectShell({ platform: host.facts.platform, env: host.facts.env, parents });
      if (notice !== undefined && purpose !== 'to open') call.reporter.warn(notice);
      return shell;
    },
    chooseDriver: () => chooseDriver({ flags, driver: app.driver, context: call }),
    whale,
    lendTerminal: async ({ file, args }, changes) => {
      const env = Object.fromEntries(changes.map(({ name, value }) => [name, value]));
      terminal.isLent = true;
      try {
        // A path that was typed is meant from here; a bare name never is.
        const program = /[\\/]/.test(file) ? resolve(file) : file;
        return await host.processes.attach(program, args, { env, signal: call.signal });
      } finally {
        terminal.isLent = false;
      }
    },
    diagnosisParts: () => diagnosisParts(host, app, call),
  };
}

function diagnosisParts(host: Host, app: App, call: World['call']): DiagnosisParts {
  const { facts, processes, processTable, random } = host;
  const releases = parseRepository(RELEASES);
  const flagsOf: DiagnosisParts['flagsOf'] = (driver) => readFlagValues(driver.options, {}, facts.env).values;
  return {
    drivers: DRIVERS.map(({ name }) => app.driver(name)),
    flagsOf,
    chooseDriver: async () => {
      const named = facts.env.MACHINE_DRIVER ?? '';
      if (named === '') {
        const flags = Object.assign({}, ...DRIVERS.map(({ name }) => flagsOf(app.driver(name))));
        return chooseDriver({ flags, driver: app.driver, context: call });
      }
      return { name: app.driver(named).name, reason: 'MACHINE_DRIVER names it.' };
    },
    processes,
    tcp: systemTcpProbe,
    inspectStore: () => inspectStore({ layout: app.store.layout, facts, processTable, random }),
    program: {
      version: PROGRAM_VERSION,
      build: PROGRAM_BUILD,
      runtime: `Node.js ${process.version}`,
    },
    downloadUrls: [`${releases.apiUrl}/latest`, releases.webUrl],
  };
}

/** Parts are made when they are first asked for: `status` pays for no download. */
function composeApp(
  host: Host,
  { flags, originOf }: Pick<Parameters<Compose['world']>[0], 'flags' | 'originOf'>,
  reporter: Reporter,
): App {
  const { facts, clock, random } = host;
  const layout = storeLayout(storeRoot(facts, textOf(flags, 'storage-path'), process.cwd()), facts.platform);
  const store = new FileStore({
    layout,
    facts,
    clock,
    random,
    swaps: host.swaps,
    processTable: host.processTable,
    warn: (line) => reporter.warn(line),
  });
  const trust = once(() =>
    createTrustStore({
      caCertFile: textOf(flags, 'ca-cert'),
      caCertFrom: originOf('ca-cert'),
      facts,
      processes: host.processes,
    }),
  );
  const proxies = once(() =>
    createProxyResolver({
      flag: textOf(flags, 'proxy'),
      flagFrom: originOf('proxy') === 'MACHINE_PROXY' ? 'MACHINE_PROXY' : '--proxy',
      pac: textOf(flags, 'proxy-pac'),
      pacFrom: originOf('proxy-pac'),
      env: facts.env,
      platform: facts.platform,
      readSystem: (call) => readSystemProxy(host, call),
      trust: trust(),
      clock,
    }),
  );
  const digests = readGuestDigests(guestDigests);
  const vouchedFor = {
    guestPackages: guestPackageBeside(fileURLToPath(import.meta.url), digests),
    knownDigests: new Set([...KNOWN_DIGESTS, ...digests]),
  };
  const parts = {
    ssh: once(() =>
      createSshConnector({
        clock,
        random,
        facts,
        processes: host.processes,
        terminal: () => ({ stdin: process.stdin, stdout: process.stdout, stderr: process.stderr }),
      }),
    ),
    images: once(() =>
      createImageSource({
        clock,
        random,
        swaps: host.swaps,
        platform: facts.platform,
        cacheDirectory: layout.cache,
        machinesDirectory: layout.machines,
        lock: (entry, options, work) => store.lock({ cache: entry }, options, work),
        proxies: proxies(),
        trust: trust(),
        send: downloaderNamed(
          textOf(flags, 'downloader'),
          { programs: new SystemProgramStreams(facts), temporaryDirectory: facts.temporaryDirectory },
          originOf('downloader'),
        ),
        mirrors: parseMirrors(listOf(flags, 'image-mirror')),
        digest: parseDigest(textOf(flags, 'image-digest')),
        releases: parseRepository(RELEASES),
        githubToken: textOf(flags, 'github-api-token'),
        ...vouchedFor,
      }),
    ),
    shelf: once(() =>
      createImageShelf({
        cacheDirectory: layout.cache,
        platform: facts.platform,
        swaps: host.swaps,
        lock: (entry, options, work) => store.lock({ cache: entry }, options, work),
        releases: parseRepository(RELEASES),
        ...vouchedFor,
      }),
    ),
    drivers: once(() => {
      const ports: DriverPorts = {
        processes: host.processes,
        processTable: host.processTable,
        loopback: host.ports,
        facts,
        clock,
        random,
        files: host.swaps,
        tcp: systemTcpProbe,
        sharedDirectory: join(layout.root, '.tmachine'),
        hostOnlyLock: (options, work) => store.lock('host-only', options, work),
        hostAddresses,
        readSystemFile,
      };
      return new Map<string, Driver>(DRIVERS.map((entry) => [entry.name, entry.create(ports)]));
    }),
  };
  return {
    clock,
    facts,
    store,
    certificates: createCertificateAuthority({ clock, random }),
    engine: createEngineProbe(clock),
    get ssh() {
      return parts.ssh();
    },
    get images() {
      return parts.images();
    },
    get shelf() {
      return parts.shelf();
    },
    get routes() {
      return createRouteChecker({ clock, proxies: proxies(), trust: trust() });
    },
    get proxies() {
      return proxies();
    },
    get trust() {
      return trust();
    },
    provisioners: createProvisioners({ boot2dockerProfile }),
    driver: (name) => {
      const driver = parts.drivers().get(name);
      if (driver === undefined) throw driverNotFound(name);
      return driver;
    },
  };
}

function textOf(flags: FlagValues, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function listOf(flags: FlagValues, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value : [];
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
