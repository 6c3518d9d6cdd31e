import { renderApi } from './explorer.js';

const root = document.getElementById('api');
try {
  const spec = await (await fetch('openapi3.json')).json();
  renderApi({ document, root, spec, send });
} catch (error) {
  root.textContent = `The description of the API could not be loaded: ${error}`;
}

/** Relative to this page, so that a proxy may serve the API below a path of its own. */
async function send({ method, target, token, body }) {
  const headers = {
    ...(token && { 'X-StorageApi-Token': token }),
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
  };
  const response = await fetch(`../..${target}`, { method, headers, ...(body !== undefined && { body }) });
  const text = await response.text();
  return `${response.status} ${response.statusText}\n${pretty(text)}`;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
