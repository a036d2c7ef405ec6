// `npm run build`: the agent as one file that needs only Node 24 and Debian packages. Templates are inlined as text.
import { defineConfig, type Plugin } from 'rolldown';
import { loadTemplates } from './agent/adapters/templates.ts';

/** Without a build that module reads the templates from its folder; the one file has no folder beside it. */
const inlineTemplates: Plugin = {
  name: 'inline-templates',
  async load(id) {
    if (!id.endsWith('/agent/adapters/templates.ts')) return null;
    const templates = JSON.stringify(await loadTemplates());
    return { code: `export const loadTemplates = async () => (${templates});`, moduleType: 'js' };
  },
};

export default defineConfig({
  input: 'agent/main.ts',
  platform: 'node',
  plugins: [inlineTemplates],
  output: { file: 'dist/kokoa-agent.mjs', format: 'esm', banner: '#!/usr/bin/env node', codeSplitting: false },
});
