// `npm run guest:package`: makes the npm package tmachine-guest of the built image, for networks where only an npm mirror is reachable, and
// writes the image's digest into templates/guest-digests: a tmachine built from then on knows it.
//   --image DIR    where guest/build left the image; default guest/out
//   --out DIR      where the package goes; default the same
//   --digests FILE default templates/guest-digests

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './prepare.mjs';

const root = join(import.meta.dirname, '..');
const IMAGE = 'boot2docker.iso';

const { values } = parseArgs({
  options: {
    image: { type: 'string', default: join(root, 'guest', 'out') },
    out: { type: 'string' },
    digests: { type: 'string', default: join(root, 'templates', 'guest-digests') },
  },
});

try {
  main(values.image, values.out ?? values.image, values.digests);
} catch (error) {
  console.error(`✗ ${error.message}`);
  process.exitCode = 1;
}

function main(from, to, digestsFile) {
  const { manifest, sha256 } = checkedImage(from);
  const staging = mkdtempSync(join(tmpdir(), 'tmachine-guest-'));
  try {
    for (const file of [IMAGE, 'manifest.json', 'sbom.cdx.json'])
      cpSync(join(from, file), join(staging, file));
    writeFileSync(join(staging, `${IMAGE}.sha256`), `${sha256}  ${IMAGE}\n`);
    writeFileSync(join(staging, 'package.json'), `${JSON.stringify(packageData(manifest), null, 2)}\n`);
    writeFileSync(join(staging, 'README.md'), readme(manifest, sha256));
    run('npm', ['pack', '--silent', '--pack-destination', to, staging]);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  noteDigest(digestsFile, sha256, manifest);
  console.log(join(to, `tmachine-guest-${manifest.engineVersion}.tgz`));
}

/** The image's description, after a check that it is the image described: a package must not carry half a build. */
function checkedImage(from) {
  const path = join(from, 'manifest.json');
  if (!existsSync(path))
    throw new Error(`${path} is missing: build the image first with "npm run guest:build"`);
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const described = manifest.images.find(({ file }) => file === IMAGE);
  const sha256 = createHash('sha256')
    .update(readFileSync(join(from, IMAGE)))
    .digest('hex');
  if (described?.sha256 === sha256) return { manifest, sha256 };
  throw new Error(
    `${join(from, IMAGE)} is not the image that ${path} describes: build it again with "npm run guest:build"`,
  );
}

function packageData({ engineVersion }) {
  return {
    name: 'tmachine-guest',
    version: engineVersion,
    description: `Boot image for tmachine: boot2docker-compatible, Docker ${engineVersion}`,
    // Debian's packages and a Linux kernel, each under its own licence.
    license: 'SEE LICENSE IN README.md',
    files: [IMAGE, `${IMAGE}.sha256`, 'manifest.json', 'sbom.cdx.json'],
  };
}

function readme({ engineVersion, kernelVersion }, sha256) {
  return `# tmachine-guest

The boot image of tmachine with Docker ${engineVersion}, for networks where only an npm mirror is reachable:

    npm install -g tmachine tmachine-guest

\`tmachine create\` takes it when no image is named and none is in its cache, if it is the one that the installed tmachine was released with.

SHA-256 of \`${IMAGE}\`: ${sha256}

The image is made of packages of Debian, unchanged, and of a kernel built from Debian's linux-source (${kernelVersion}). \`sbom.cdx.json\` names each
with its version. Their licences, among them the GNU General Public License for the kernel, busybox and others, and their sources are those of
Debian's packages of these versions.
`;
}

/** In front of the older ones; nothing when it is the first already. */
function noteDigest(file, sha256, { engineVersion }) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const comments = lines.filter((line) => line.startsWith('#'));
  const others = lines.filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(sha256));
  const text = `${[...comments, `${sha256} Docker ${engineVersion}`, ...others].join('\n')}\n`;
  if (text !== readFileSync(file, 'utf8')) writeFileSync(file, text);
}
