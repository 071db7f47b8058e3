/**
 * `import text from '../../templates/NAME?raw'` gives the file as a string: the bundle carries it inside
 * (scripts/bundle.mjs), jest reads it through scripts/jest-raw-text.cjs.
 * A template must not be called *.js, *.ts or *.json: jest would take those for modules.
 */
declare module '*?raw' {
  const text: string;
  export default text;
}
