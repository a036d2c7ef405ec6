// What people read, before it is printed: sections of prose and values. Law: whatever comes from the data is marked as a value, so that a
// printer can tell it from our own words.

/** Our own words, or a value of the data. */
export type Inline = string | { value: string };
export type Line = readonly Inline[];

export interface Item {
  /** What happens to it; absent: nothing, it is only named. */
  sign?: 'removed' | 'added' | 'changed';
  line: Line;
  details: Line[];
}

export interface Section {
  title: string;
  /** To be seen by those who read nothing else. */
  loud?: true;
  intro: Line[];
  items: Item[];
  /** YAML to paste, as it is, with what it is for. */
  paste?: { lead: string; yaml: string };
  /** Where room is short: at most so many characters, and the rest of the items counted. */
  charsMax: number;
}

export interface Document {
  title: string;
  sections: Section[];
  closing: Line[];
}
