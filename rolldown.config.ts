// `npm run build`: the agent as one file that needs only Node 24 and Debian packages. Templates are inlined as text.
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'rolldown';
import { TEMPLATE_NAMES } from './agent/core/render-nginx.ts';

const TEMPLATES_MODULE = join(import.meta.dirname, 'agent/adapters/templates.ts');
const TEMPLATES_FOLDER = join(import.meta.dirname, 'agent/templates');

/** In the place of agent/adapters/templates.ts, which reads the files, stands a module that holds their texts. */
const inlineTemplates: Plugin = {
  name: 'inline-templates',
  async load(id) {
    if (id !== TEMPLATES_MODULE) return null;
    const texts: Record<string, string> = {};
    for (const name of TEMPLATE_NAMES) {
      const file = join(TEMPLATES_FOLDER, `${name}.mustache`);
      this.addWatchFile(file);
      texts[name] = await readFile(file, 'utf8');
    }
    return { code: `export const loadTemplates = async () => (${JSON.stringify(texts)});`, moduleType: 'js' };
  },
};

/** The range in package.json. An older Node says what is missing instead of which of its modules it lacks. */
const VERSION_CHECK = `{
	const [major, minor] = process.versions.node.split('.').map(Number);
	if (!(major >= 26 || (major === 24 && minor >= 15))) {
		console.error(\`error: kokoa-agent needs Node 24.15 or newer, found \${process.versions.node} (node_too_old)\`);
		process.exit(1);
	}
}
`;

/** Imports are linked before the first line runs; so that the version is looked at first, Node's own modules are asked for instead. */
const checkVersionFirst: Plugin = {
  name: 'check-version-first',
  renderChunk(code) {
    const imports = this.parse(code).body.filter((node) => node.type === 'ImportDeclaration');
    const asked = imports.flatMap(({ specifiers, source }) =>
      specifiers.map((specifier) => {
        const whole = specifier.type !== 'ImportSpecifier' || nameOf(specifier.imported) === 'default';
        const member = whole ? '' : `.${nameOf((specifier as { imported: ImportedName }).imported)}`;
        return `const ${specifier.local.name} = process.getBuiltinModule(${JSON.stringify(source.value)})${member};\n`;
      }),
    );
    let rest = code;
    for (const { start, end } of imports.toReversed()) rest = rest.slice(0, start) + rest.slice(end);
    return { code: VERSION_CHECK + asked.join('') + rest.trimStart(), map: null };
  },
};

type ImportedName = { type: 'Identifier'; name: string } | { type: 'Literal'; value: string };

function nameOf(imported: ImportedName): string {
  return imported.type === 'Identifier' ? imported.name : imported.value;
}

const makeExecutable: Plugin = {
  name: 'make-executable',
  async writeBundle({ file }) {
    if (file !== undefined) await chmod(file, 0o755);
  },
};

export default defineConfig({
  input: 'agent/main.ts',
  platform: 'node',
  plugins: [inlineTemplates, checkVersionFirst, makeExecutable],
  output: {
    file: 'dist/kokoa-agent.mjs',
    format: 'esm',
    // Behind everything else that could come first.
    postBanner: '#!/usr/bin/env node',
    codeSplitting: false,
  },
});
