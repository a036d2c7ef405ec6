// The texts of the templates, read once at start. In the one-file build the plugin of rolldown.config.ts puts them in their place.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPLATE_NAMES, type Templates } from '../core/render-nginx.ts';

const FOLDER = join(import.meta.dirname, '../templates');

/** @throws system errors when a template is missing */
export async function loadTemplates(): Promise<Templates> {
  const texts = await Promise.all(
    TEMPLATE_NAMES.map(async (name) => [name, await readFile(join(FOLDER, `${name}.mustache`), 'utf8')] as const),
  );
  return Object.fromEntries(texts) as Templates;
}
