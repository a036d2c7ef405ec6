// `npm run build`: the agent as one file that needs only Node 24 and Debian packages. Templates are inlined as text.
import { readFile } from 'node:fs/promises';
import { defineConfig, type Plugin } from 'rolldown';

/** `import text from './x.mustache?raw'` is the file's text; without a build, agent/adapters/templates.ts reads the file itself. */
const inlineTemplates: Plugin = {
  name: 'inline-templates',
  async load(id) {
    if (!id.endsWith('.mustache')) return null;
    return { code: `export default ${JSON.stringify(await readFile(id, 'utf8'))};`, moduleType: 'js' };
  },
};

export default defineConfig({
  input: 'agent/main.ts',
  platform: 'node',
  plugins: [inlineTemplates],
  output: { file: 'dist/kokoa-agent.mjs', format: 'esm', banner: '#!/usr/bin/env node', inlineDynamicImports: true },
});
