/** The token that a service beyond its own machine asks for. It is kept for this tab alone, and sent to this origin alone. */
import { signal } from "@preact/signals";

const KEPT = "lepton-token";

/** Why a token is asked for; empty while none is. */
export const wanted = signal("");

let token = kept();

function kept(): string {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

function keep(text: string): void {
  token = text;
  try {
    if (text) sessionStorage.setItem(KEPT, text);
    else sessionStorage.removeItem(KEPT);
  } catch {
    // A browser that keeps nothing asks again when the page is loaded again.
  }
}

/** The header line of a request, where there is a token. */
export function bearer(): Record<string, string> {
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** Takes a token that a person has typed. */
export function give(text: string): void {
  keep(text.trim());
  wanted.value = "";
}

/** The service has refused what it was shown; `sent` is the token of that request. */
export function refused(why: string, sent: string | undefined): void {
  // An answer to an older request says nothing of the token that was given since.
  if (sent !== bearer().authorization) return;
  keep("");
  wanted.value = why;
}
