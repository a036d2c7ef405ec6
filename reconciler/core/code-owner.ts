// How GitHub spells an owner in CODEOWNERS. Law: what passes is one word, which cannot become a comment, a pattern or a second owner.
// https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners

/** A user; GitHub's own rule, and `_` of managed users. */
const USER = /^@[A-Za-z0-9][A-Za-z0-9_-]{0,38}$/;
const TEAM = /^@[A-Za-z0-9][A-Za-z0-9_-]{0,38}\/[A-Za-z0-9._-]{1,100}$/;
const EMAIL = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}$/;

export const OWNER_FORMS = '@USER, @ORGANISATION/TEAM or an e-mail address';

export function isCodeOwner(text: string): boolean {
  return [USER, TEAM, EMAIL].some((form) => form.test(text));
}
