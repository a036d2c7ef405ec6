// The pictures of the documents: which golden comment each one shows, in which window, and how much of it.

export interface Picture {
  /** The file in docs/pictures/. */
  readonly name: string;
  /** The golden Markdown it is drawn from. */
  readonly source: string;
  readonly view: 'phone' | 'desk';
  /** CSS pixels; what is below is cut off. */
  readonly heightPxMax: number;
}

const story = (name: string): Picture => ({
  ...{ name: `${name}.png`, source: `test/golden-story/${name}.md` },
  ...{ view: 'desk', heightPxMax: 560 },
});

const onPhone = (name: string, of: string, heightPxMax: number): Picture => ({
  ...{ name: `${name}.png`, source: `test/golden-story/${of}.md` },
  ...{ view: 'phone', heightPxMax },
});

export const PICTURES: readonly Picture[] = [
  ...['1-mistakes', '2-mended', '3-merged', '4-live', '5-reverted'].map(story),
  onPhone('mistakes-phone', '1-mistakes', 640),
  onPhone('guard-refuses-phone', 'guard-refuses', 740),
];
