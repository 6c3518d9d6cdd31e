/** How the events of a body stand in it, by its content type, whose parameters and case do not matter. Undefined: not taken here. */
export function eventForm(contentType: string): 'json' | 'lines' | undefined {
  switch (contentType.split(';', 1)[0]?.trim().toLowerCase()) {
    case 'application/json':
      return 'json';
    case 'application/text':
    case 'application/x-ndjson':
    case 'text/plain':
      return 'lines';
    default:
      return undefined;
  }
}
