/** Requests to the service behind the page, typed by its description. */
import type { Problem, Reads, Writes } from "./api.ts";
import { bearer, refused } from "./token.ts";

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

type Names = Record<string, string>;

/** The address of a path with its names and query filled in. */
export function address(path: string, names: Names = {}, query: Record<string, string | number> = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ""));
  const search = new URLSearchParams(Object.entries(query).map(([k, v]) => [k, String(v)])).toString();
  return search ? `${filled}?${search}` : filled;
}

/** One request, with the token that it is asked for. */
export async function ask(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
  const token = bearer();
  const response = await fetch(path, { ...init, headers: { ...init.headers, ...token } });
  if (response.status === 401) {
    const { detail }: Partial<Problem> = await response.clone().json().catch(() => ({}));
    refused(detail ?? "a token is asked for", token.authorization);
  }
  return response;
}

async function answered(response: Response): Promise<unknown> {
  const text = await response.text();
  const body: unknown = text ? JSON.parse(text) : null;
  if (response.ok) return body;
  const unknown = { type: "about:blank", title: response.statusText, status: response.status, detail: "" };
  throw new Refused(body && typeof body === "object" ? { ...unknown, ...body } : unknown);
}

export async function read<P extends keyof Reads>(
  path: P,
  names: Names = {},
  query: Record<string, string | number> = {},
): Promise<Reads[P]> {
  return (await answered(await ask(address(path, names, query)))) as Reads[P];
}

interface Page<T> {
  items: T[];
  next_cursor?: string | null;
  as_of_seconds: number;
}

/** All items of a list, page by page. */
export async function readAll<T>(path: keyof Reads, query: Record<string, string> = {}, most = 20_000): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null | undefined;
  do {
    const more: Record<string, string | number> = { ...query, limit: 1000, ...(cursor ? { cursor } : {}) };
    const page = (await read(path, {}, more)) as unknown as Page<T>;
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < most);
  return items;
}

export async function write<P extends keyof Writes>(
  path: P,
  names: Names,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Writes[P]> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const kind: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  const init = { method: "POST", headers: { ...headers, ...kind }, ...sent };
  return (await answered(await ask(address(path, names), init))) as Writes[P];
}
