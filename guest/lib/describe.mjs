// node describe.mjs --entry DIR --rootfs FILE --engine VERSION --kernel-release R --kernel-version V --packages packages.txt
// Writes manifest.json and sbom.cdx.json (CycloneDX 1.5) into DIR, from what the build left there: versions (lines
// "name version sha256"), vmlinuz, initrd.img, *.iso and *.iso.sha256. Equal input gives equal files.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const IMAGES = [
  { file: 'boot2docker.iso', appliesSeed: true },
  { file: 'boot2docker-stock.iso', appliesSeed: false },
];
// Not named in packages.txt, but files of theirs are on the ISO: the boot loaders.
const BOOT_PACKAGES = ['isolinux', 'syslinux-common', 'grub-efi-amd64-bin'];

/** The packages in the image: those named in packages.txt and the boot loaders; tools of the build are left out. */
export function imagePackages(versions, packagesText) {
  const named = new Set([...packagesText.matchAll(/^([a-z0-9][a-z0-9.+-]*):/gm)].map((match) => match[1]));
  for (const name of BOOT_PACKAGES) named.add(name);
  return versions
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([name]) => named.has(name))
    .map(([name, version, sha256]) => ({ name, version, sha256 }));
}

/** The CycloneDX document for the image. */
export function softwareBill({ engineVersion, kernelVersion, kernelSha256, packages }) {
  const packageUrl = (name, version) =>
    `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=amd64&distro=debian-13`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      component: {
        type: 'operating-system',
        name: 'boot2docker',
        version: engineVersion,
        'bom-ref': 'boot2docker',
      },
    },
    components: [
      ...packages.map(({ name, version, sha256 }) => ({
        type: 'library',
        'bom-ref': packageUrl(name, version),
        name,
        version,
        purl: packageUrl(name, version),
        hashes: [{ alg: 'SHA-256', content: sha256 }],
      })),
      {
        type: 'operating-system',
        'bom-ref': packageUrl('linux-source-6.12', kernelVersion),
        name: 'linux-source-6.12',
        version: kernelVersion,
        description:
          'the kernel, built from this source package; the hash is that of the kernel file in the image',
        purl: packageUrl('linux-source-6.12', kernelVersion),
        hashes: [{ alg: 'SHA-256', content: kernelSha256 }],
      },
    ],
  };
}

const sha256Of = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  const option = { type: 'string' };
  const { values } = parseArgs({
    options: {
      entry: option,
      rootfs: option,
      engine: option,
      'kernel-release': option,
      'kernel-version': option,
      packages: option,
    },
  });
  const at = (name) => join(values.entry, name);
  const versions = readFileSync(at('versions'), 'utf8');
  const packages = imagePackages(versions, readFileSync(values.packages, 'utf8'));
  const versionOf = (name) => packages.find((entry) => entry.name === name)?.version;
  const manifest = {
    name: 'boot2docker',
    volumeId: `b2d-v${values.engine}`,
    engineVersion: values.engine,
    kernelRelease: values['kernel-release'],
    kernelVersion: values['kernel-version'],
    packages: Object.fromEntries(
      ['docker.io', 'docker-cli', 'containerd', 'runc', 'openssh-server', 'busybox-static'].map((name) => [
        name,
        versionOf(name),
      ]),
    ),
    partsBytes: {
      vmlinuz: statSync(at('vmlinuz')).size,
      'initrd.img': statSync(at('initrd.img')).size,
      'rootfs.sqfs': statSync(values.rootfs).size,
    },
    images: IMAGES.filter(({ file }) => existsSync(at(`${file}.sha256`))).map(({ file, appliesSeed }) => ({
      file,
      appliesSeed,
      bytes: statSync(at(file)).size,
      sha256: readFileSync(at(`${file}.sha256`), 'utf8').split(' ')[0],
    })),
  };
  const bill = softwareBill({
    engineVersion: values.engine,
    kernelVersion: values['kernel-version'],
    kernelSha256: sha256Of(at('vmlinuz')),
    packages,
  });
  writeFileSync(at('manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(at('sbom.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
}
