'use strict';
// Our sources import each other as './name.js', the name they have for Node after compiling; the file is name.ts.
// Packages keep their own './name.js', which is why this is not a moduleNameMapper: that one maps theirs too.

const { existsSync } = require('node:fs');
const { resolve, sep } = require('node:path');

const PACKAGES = `${sep}node_modules${sep}`;

module.exports = (request, options) => {
  if (request.startsWith('.') && request.endsWith('.js') && !`${options.basedir}${sep}`.includes(PACKAGES)) {
    const source = resolve(options.basedir, `${request.slice(0, -'.js'.length)}.ts`);
    if (existsSync(source)) return source;
  }
  return options.defaultResolver(request.replace(/\?raw$/, ''), options);
};
