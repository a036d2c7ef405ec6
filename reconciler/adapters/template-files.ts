// The templates of `kokoa init`, read when they are needed. Which file becomes which stands here, and nowhere else.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const TOP = join(import.meta.dirname, '../..');
const INIT = 'reconciler/templates/init';
const FORM = '.github/ISSUE_TEMPLATE/add-a-hostname.yml';
const SCHEMAS = ['route', 'origin', 'edge', 'kokoa'].map((kind) => `schemas/${kind}.schema.json`);

/** Path in the new repository (`TEAM` stands for the team) → path here. */
const RENDERED: Readonly<Record<string, string>> = {
  'README.md': `${INIT}/readme.md`,
  'kokoa.yaml': `${INIT}/kokoa.yaml`,
  'edges/README.md': `${INIT}/edges.md`,
  'origins/README.md': `${INIT}/origins.md`,
  'routes/TEAM/README.md': `${INIT}/routes.md`,
  '.gitignore': `${INIT}/gitignore`,
  '.gitattributes': `${INIT}/gitattributes`,
  '.github/pull_request_template.md': `${INIT}/pull-request.md`,
  '.github/workflows/validate.yml': `${INIT}/workflows/validate.yml`,
  '.github/workflows/hostname-request.yml': `${INIT}/workflows/hostname-request.yml`,
};
/** The same file here and there. */
const COPIED: readonly string[] = [FORM, ...SCHEMAS];

export interface Templates {
  rendered: ReadonlyMap<string, string>;
  copied: ReadonlyMap<string, string>;
}

/** Texts by path in the new repository. @throws system errors when a file of this program is missing */
export async function loadTemplates(): Promise<Templates> {
  const read = async ([path, source]: [string, string]) => [path, await readFile(join(TOP, source), 'utf8')] as const;
  const [rendered, copied] = await Promise.all([
    Promise.all(Object.entries(RENDERED).map(read)),
    Promise.all(COPIED.map((path) => read([path, path]))),
  ]);
  return { rendered: new Map(rendered), copied: new Map(copied) };
}
