// Writes src/api.ts (or the file named), the types of the interface, from docs/openapi.json, so that the page and the interface
// cannot drift.
import { readFileSync, writeFileSync } from "node:fs";

const here = (path) => new URL(path, import.meta.url);
const api = JSON.parse(readFileSync(here("../../docs/openapi.json"), "utf8"));

const named = (ref) => ref.split("/").at(-1);
const comment = (text, indent) =>
  text ? `${indent}/** ${text.replace(/\s+/g, " ").replaceAll("*/", "* /")} */\n` : "";

function type(schema) {
  if (!schema || Object.keys(schema).length === 0) return "unknown";
  if (schema.$ref) return named(schema.$ref);
  const any = schema.oneOf ?? schema.anyOf;
  if (any) return [...new Set(any.map(type))].join(" | ");
  if (schema.allOf) return schema.allOf.map(type).join(" & ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const kinds = [schema.type ?? "object"].flat();
  return kinds.map((kind) => ofKind(kind, schema)).join(" | ");
}

function ofKind(kind, schema) {
  switch (kind) {
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return kind;
    case "array": {
      if (schema.prefixItems) return `[${schema.prefixItems.map(type).join(", ")}]`;
      const item = type(schema.items);
      return item.includes("|") ? `(${item})[]` : `${item}[]`;
    }
    default:
      if (schema.properties) return `{ ${fields(schema, " ").trim()} }`;
      if (schema.additionalProperties) return `Record<string, ${type(schema.additionalProperties)}>`;
      return "Record<string, unknown>";
  }
}

function fields(schema, indent) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {})
    .map(([name, of]) => {
      const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
      return `${comment(of.description, indent)}${indent}${key}${required.has(name) ? "" : "?"}: ${type(of)};\n`;
    })
    .join("");
}

let text = "// The types of the interface; made from docs/openapi.json by `npm run types`.\n\n";
for (const [name, schema] of Object.entries(api.components.schemas)) {
  text += comment(schema.description, "");
  const isRecord = schema.type === "object" && schema.properties && !schema.oneOf && !schema.allOf;
  text += isRecord
    ? `export interface ${name} {\n${fields(schema, "  ")}}\n\n`
    : `export type ${name} = ${type(schema)};\n\n`;
}
const answers = (verb) =>
  Object.entries(api.paths).flatMap(([path, verbs]) => {
    const body = verbs[verb]?.responses?.["200"]?.content?.["application/json"]?.schema;
    return body ? [`  ${JSON.stringify(path)}: ${type(body)};\n`] : [];
  });
text += `/** What a GET of each path answers. */\nexport interface Reads {\n${answers("get").join("")}}\n\n`;
text += `/** What a POST to each path answers. */\nexport interface Writes {\n${answers("post").join("")}}\n`;
writeFileSync(process.argv[2] ?? here("../src/api.ts"), text);
