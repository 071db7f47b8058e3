#!/usr/bin/env node
'use strict';
// Starts the bundle in dist/. Loading its files here, instead of by `require`, lets V8's compiled code be kept
// between runs: without that, half of a short command's time is the compiling of the same text again.
// Node's own module.enableCompileCache (22 and newer) saves half as much, because it stores the code before the
// functions have run. Switched off by TMACHINE_NO_CODE_CACHE=1; without a usable cache folder all works, slower.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const vm = require('node:vm');
const { wrap } = require('node:module');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `tmachine needs Node.js 20.19 or newer; this is ${process.versions.node} (${process.execPath}).`,
  );
  process.exit(3);
}

const DIST = path.join(__dirname, '..', 'dist');
const KEEP_DAYS = 30;

/** File name -> module, as in `require.cache`. */
const modules = new Map();
/** What ran without stored code in this process: file name -> script. */
const fresh = new Map();

const mainText = fs.readFileSync(path.join(DIST, 'main.cjs'), 'utf8');
const cacheFolder = findCacheFolder(/^\/\/ build ([0-9a-f]{16,})\n/.exec(mainText)?.[1]);
const cacheIsUsable = cacheFolder !== undefined && isPrivate(statOrNothing(cacheFolder), 'folder');
if (cacheFolder !== undefined) process.on('exit', storeFreshCode);

void load('main.cjs').go();

function load(name) {
  const known = modules.get(name);
  if (known !== undefined) return known.exports;

  const filename = path.join(DIST, name);
  const cachedData = cacheIsUsable ? readPrivate(path.join(cacheFolder, name)) : undefined;
  const text = name === 'main.cjs' ? mainText : fs.readFileSync(filename, 'utf8');
  const script = new vm.Script(wrap(text), {
    filename,
    cachedData,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (cachedData === undefined || script.cachedDataRejected) fresh.set(name, script);

  const module = { exports: {}, filename, id: filename, loaded: false };
  modules.set(name, module);
  const requireFromBundle = Object.assign(
    (id) => (id.startsWith('./') ? load(id.slice(2)) : require(id)),
    require,
  );
  script.runInThisContext().call(module.exports, module.exports, requireFromBundle, module, filename, DIST);
  module.loaded = true;
  return module.exports;
}

/**
 * One folder for each build, Node version and processor: V8 itself compares only its version, its flags and the
 * length of the text, and would run the code of another text of equal length.
 */
function findCacheFolder(build) {
  if (build === undefined || process.env.TMACHINE_NO_CODE_CACHE) return undefined;
  const key = `${build}-${process.version}-${process.arch}`;
  const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env;
  try {
    if (process.platform === 'win32') return LOCALAPPDATA && path.join(LOCALAPPDATA, 'tmachine', 'code', key);
    if (process.platform === 'darwin')
      return path.join(os.homedir(), 'Library', 'Caches', 'tmachine', 'code', key);
    const base =
      XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : path.join(os.homedir(), '.cache');
    return path.join(base, 'tmachine', 'code', key);
  } catch {
    // No HOME, and no entry for this user in the password file: containers with an arbitrary user id.
    return undefined;
  }
}

/** A cache is code: it is read only where nobody else can have put it. Windows has no such bits; LOCALAPPDATA is private. */
function isPrivate(stat, kind) {
  if (stat === undefined || !(kind === 'folder' ? stat.isDirectory() : stat.isFile())) return false;
  return process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o022) === 0);
}

function statOrNothing(file) {
  try {
    return fs.lstatSync(file);
  } catch {
    return undefined;
  }
}

function readPrivate(file) {
  try {
    const handle = fs.openSync(file, 'r');
    try {
      return isPrivate(fs.fstatSync(handle), 'file') ? fs.readFileSync(handle) : undefined;
    } finally {
      fs.closeSync(handle);
    }
  } catch {
    return undefined;
  }
}

/** Runs when the command has ended: the functions it used are compiled now, and so are part of what is stored. */
function storeFreshCode() {
  if (fresh.size === 0) return;
  try {
    if (!cacheIsUsable) {
      makeFolder(cacheFolder);
      if (!isPrivate(fs.lstatSync(cacheFolder), 'folder')) return;
      removeOldFolders();
    }
    for (const [name, script] of fresh) {
      const temporary = path.join(cacheFolder, `${name}.${process.pid}.tmp`);
      fs.writeFileSync(temporary, script.createCachedData(), { mode: 0o600, flag: 'wx', flush: true });
      fs.renameSync(temporary, path.join(cacheFolder, name));
    }
  } catch {
    // Read-only home, full disk, another process at the same moment: the next run is slower, nothing else.
  }
}

/** Not mkdir's `recursive`: where a folder cannot be made below one that is there (/proc), Node tries for ever. */
function makeFolder(folder) {
  if (fs.existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  fs.mkdirSync(folder, { mode: 0o700 });
}

/** Folders of versions that are no longer in use; an active one is made anew in one run. */
function removeOldFolders() {
  const parent = path.dirname(cacheFolder);
  for (const name of fs.readdirSync(parent)) {
    const folder = path.join(parent, name);
    const ageMs = Date.now() - fs.lstatSync(folder).mtimeMs;
    if (ageMs > KEEP_DAYS * 24 * 3600 * 1000) fs.rmSync(folder, { recursive: true, force: true });
  }
}
