import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

const base = '/v1/documentation';
const types = { html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' } as const;
const files = [
  ['index.html', types.html],
  ['page.css', types.css],
  ['page.js', types.js],
  ['explorer.js', types.js],
  ['schema-text.js', types.js],
] as const;

/** The page loads and calls nothing but this API, runs no script of a text, and is shown in no frame. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
} as const;

/** The folder of the page: the one path beside `/` that ends with a slash. */
export const documentationFolder = `${base}/`;
export const documentationRoutes = [base, documentationFolder, ...files.map(([name]) => `${base}/${name}`)].map(
  (path) => ({ method: 'GET', path }) as const,
);

/** A page that shows the OpenAPI document beside it and calls the API. All of it is served by this process. */
export function addDocumentation(app: FastifyInstance): void {
  app.get(base, (_request, reply) => reply.redirect(documentationFolder, 301));
  for (const [name, type] of files) {
    const content = readFileSync(new URL(`./documentation/${name}`, import.meta.url));
    const paths = name === 'index.html' ? [documentationFolder, `${base}/${name}`] : [`${base}/${name}`];
    for (const path of paths) app.get(path, (_request, reply) => reply.headers(headers).type(type).send(content));
  }
}
