import { exampleOf, schemaText } from './schema-text.js';

/**
 * Shows an OpenAPI document: its operations by tag, each with a form that calls it. Everything from the document and from
 * answers goes into the page as text. The token stays in its field: it is not stored, and gone with the page.
 */
export function renderApi({ document, root, spec, send }) {
  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const schemas = spec.components?.schemas ?? {};
  const token = element('input', { type: 'password', autocomplete: 'off', spellcheck: false });

  const field = (name, input) => element('label', {}, name, input);

  const textareaOf = ({ content }) => {
    const schema = content['application/json']?.schema;
    const value = schema ? JSON.stringify(exampleOf(schema, schemas), null, 2) : '';
    return element('textarea', { value, spellcheck: false });
  };

  const operationView = ({ method, path, operation }) => {
    const inputs = (operation.parameters ?? []).map((parameter) => ({
      parameter,
      input: element('input', { value: parameter.name === 'branchId' ? 'default' : '', spellcheck: false }),
    }));
    const body = operation.requestBody && textareaOf(operation.requestBody);
    const output = element('pre', { hidden: true });
    const button = element('button', { type: 'button', textContent: 'Send' });
    button.addEventListener('click', async () => {
      output.hidden = false;
      output.textContent = 'Waiting for the answer.';
      try {
        output.textContent = await send({
          method: method.toUpperCase(),
          target: targetOf(path, inputs),
          token: operation.security ? token.value : '',
          body: body?.value,
        });
      } catch (error) {
        output.textContent = String(error);
      }
    });
    const parts = [];
    if (operation.description) parts.push(element('p', { className: 'note', textContent: operation.description }));
    for (const { parameter, input } of inputs) {
      parts.push(field(`${parameter.name} (${parameter.in}): ${schemaText(parameter.schema ?? {}, schemas)}`, input));
    }
    if (body) {
      const schema = operation.requestBody.content['application/json']?.schema;
      parts.push(field('Body', body));
      if (schema) parts.push(element('pre', { textContent: schemaText(schema, schemas) }));
    }
    parts.push(button, output);
    for (const [status, { description, content }] of Object.entries(operation.responses ?? {})) {
      parts.push(element('p', { textContent: `${status}: ${description}` }));
      const schema = content?.['application/json']?.schema;
      if (schema) parts.push(element('pre', { textContent: schemaText(schema, schemas) }));
    }
    const summary = element(
      'summary',
      {},
      element('span', { className: 'method', textContent: method.toUpperCase() }),
      element('span', { className: 'path', textContent: path }),
      element('div', { className: 'note', textContent: operation.summary ?? '' }),
    );
    return element('details', { id: operation.operationId }, summary, ...parts);
  };

  const { title, version, description = '' } = spec.info;
  root.replaceChildren(
    element('h1', { textContent: `${title} ${version}` }),
    element('p', { textContent: description }),
    element('p', {}, element('a', { href: 'openapi3.json', textContent: 'openapi3.json' })),
    field('X-StorageApi-Token', token),
    ...[...byTag(spec.paths)].map(([tag, operations]) =>
      element('section', {}, element('h2', { textContent: tag }), ...operations.map(operationView)),
    ),
  );
}

function byTag(paths) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  return Map.groupBy(operations, ({ operation }) => operation.tags?.[0] ?? '');
}

/** The path with its parameters; a query parameter that is empty is left out. A task id holds slashes, so these stay. */
function targetOf(path, inputs) {
  const query = new URLSearchParams();
  let target = path;
  for (const { parameter, input } of inputs) {
    const value = encodeURIComponent(input.value).replaceAll('%2F', '/');
    if (parameter.in === 'path') target = target.replace(`{${parameter.name}}`, value);
    else if (input.value !== '') query.set(parameter.name, input.value);
  }
  return query.size > 0 ? `${target}?${query}` : target;
}
