// Changes single values of a text that people wrote. Law: comments stay with what they are about, and those at the end at the end.
import { closeYaml, openYaml } from './yaml.ts';

export type EditableYaml = ReturnType<typeof openYaml>;

/** `text` is one that `parseYaml` finds nothing wrong with. The caller reads the result: this does not judge it. */
export function editYaml(text: string, edit: (document: EditableYaml) => void): string {
  const lines = text
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n')
    .split('\n');
  const last = lines.findLastIndex((line) => !/^(#.*|[ \t]*)$/.test(line));
  const document = openYaml(`${lines.slice(0, last + 1).join('\n')}\n`);
  edit(document);
  const tail = lines
    .slice(last + 1)
    .join('\n')
    .trimEnd();
  return closeYaml(document) + (tail === '' ? '' : `${tail}\n`);
}
