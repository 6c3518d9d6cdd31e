import { describe, expect, it } from 'vitest';
import { frameworkPath, RouteTable, restParameter } from './route-table.ts';

describe('route table', () => {
  const table = new RouteTable([
    { method: 'GET', path: '/v1' },
    { method: 'GET', path: '/v1/things/{id}' },
    { method: 'POST', path: '/v1/things/{id}' },
    { method: 'PUT', path: '/v1/things/fixed' },
    { method: 'GET', path: '/v1/tasks/{id...}' },
  ]);

  it.each([
    ['/v1', ['GET', 'HEAD']],
    ['/v1/', []],
    ['/v1/things', []],
    ['/v1/things/', []],
    ['/v1/things/a', ['GET', 'HEAD', 'POST']],
    ['/v1/things/fixed', ['GET', 'HEAD', 'POST', 'PUT']],
    ['/v1/things/a/b', []],
    ['/v1/tasks/a/b/c', ['GET', 'HEAD']],
    ['/v1/tasks', []],
  ])('knows the methods of %s', (path, methods) => {
    expect(table.methodsOf(path)).toEqual(methods);
  });

  it('spells paths as the framework does', () => {
    expect(frameworkPath('/v1/a/{aId}/b/{bId}')).toBe('/v1/a/:aId/b/:bId');
    expect(frameworkPath('/v1/tasks/{taskId...}')).toBe('/v1/tasks/*');
    expect([restParameter('/v1/tasks/{taskId...}'), restParameter('/v1/a/{aId}')]).toEqual(['taskId', undefined]);
  });
});
