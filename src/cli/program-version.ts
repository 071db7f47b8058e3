import packageData from '../../package.json' with { type: 'json' };

/** Put in by the bundler (scripts/bundle.mjs); absent when the sources run as they are, in tests. */
declare const TMACHINE_BUILD: string | undefined;

/** The version of the package, such as `0.1.0`. */
export const PROGRAM_VERSION: string = packageData.version;

/** The commit this bundle was made from, seven digits, or `source`. */
export const PROGRAM_BUILD: string = typeof TMACHINE_BUILD === 'string' ? TMACHINE_BUILD : 'source';
