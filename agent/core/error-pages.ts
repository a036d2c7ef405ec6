// What the edge itself says to a visitor when there is nothing to pass on. Own pages of a route stand beside these.
import { sha256Hex } from '../../bundle/canonical.ts';

interface Words {
  title: string;
  sentence: string;
}

const WORDS: Readonly<Record<string, Words>> = {
  400: { title: 'Bad Request', sentence: 'This address is spelled in a way that this site does not accept.' },
  401: { title: 'Unauthorized', sentence: 'This site asks for a login.' },
  403: { title: 'Forbidden', sentence: 'This site is not open to you.' },
  404: { title: 'Not Found', sentence: 'Nothing is published under this name.' },
  413: { title: 'Content Too Large', sentence: 'This site takes smaller uploads only.' },
  421: { title: 'Misdirected Request', sentence: 'This connection was opened for another name.' },
  429: { title: 'Too Many Requests', sentence: 'Wait a moment, then try again.' },
  500: { title: 'Internal Server Error', sentence: 'The login cannot be checked now.' },
  502: { title: 'Bad Gateway', sentence: 'The site cannot be reached now.' },
  503: { title: 'Service Unavailable', sentence: 'The site is being worked on. Please come back a little later.' },
  504: { title: 'Gateway Timeout', sentence: 'The site did not answer in time.' },
};

/** Statuses that have a page, and those of them that a route may have its own for. */
export const PAGE_STATUSES: readonly string[] = Object.keys(WORDS);
export const OWN_PAGE_STATUSES = ['404', '502', '503', '504'] as const;

/** Where pages stand in a release. */
export const PAGES_FOLDER = 'pages';

/** `pages/404.html` → HTML, for every status. */
export function defaultPages(): Map<string, string> {
  return new Map(
    Object.entries(WORDS).map(([status, { title, sentence }]) => [
      `${PAGES_FOLDER}/${status}.html`,
      `<!doctype html><meta name="viewport" content="width=device-width"><title>${status} ${title}</title><h1>${status} ${title}</h1><p>${sentence}</p>\n`,
    ]),
  );
}

/** The file name of a page of somebody's own: says what is in it. */
export function ownPageName(html: string): string {
  return `p${sha256Hex(html).slice(0, 32)}.html`;
}
