import { readFile } from 'node:fs/promises';

/** Every event of the US Geological Survey's list of one week in 2018, as GeoJSON features. */
export async function readEarthquakes(): Promise<readonly string[]> {
  const file = new URL('../data/earthquakes.json', import.meta.resolve('vega-datasets'));
  const { features } = JSON.parse(await readFile(file, 'utf8')) as { features: readonly object[] };
  return features.map((feature) => JSON.stringify(feature));
}

export const earthquakeTable = '"in.c-demo".earthquakes';

/** The same as the event's id, made of two other members of it. */
const networkId = "Body('properties.net') + Body('properties.code')";
const path = (name: string, from: string, defaultValue: string) => ({ type: 'path', name, path: from, defaultValue, rawString: true });

export const earthquakeSink = {
  sinkId: 'earthquakes',
  tableId: 'in.c-demo.earthquakes',
  columns: [
    { type: 'uuid', name: 'row_id' },
    { type: 'datetime', name: 'received_at' },
    path('event_id', 'id', ''),
    { type: 'template', name: 'network_id', rawString: true, template: { language: 'jsonnet', content: networkId } },
    path('magnitude', 'properties.mag', ''),
    path('place', 'properties.place', 'unknown'),
    path('time', 'properties.time', '0'),
    path('longitude', 'geometry.coordinates[0]', ''),
    path('latitude', 'geometry.coordinates[1]', ''),
    path('depth_km', 'geometry.coordinates[2]', ''),
    { type: 'body', name: 'body' },
  ],
};

export const earthquakeQueries = [
  {
    title: 'The strongest',
    sql: `SELECT magnitude, place, strftime(epoch_ms(time::BIGINT), '%Y-%m-%d %H:%M') AS utc, round(depth_km::DOUBLE) AS km_deep
            FROM ${earthquakeTable} ORDER BY magnitude::DOUBLE DESC LIMIT 5`,
  },
  {
    title: 'How many of each magnitude',
    sql: `SELECT CASE WHEN m < 1 THEN 'below 1' WHEN m >= 5 THEN '5 and more' ELSE floor(m)::INT || ' to ' || (floor(m)::INT + 1) END AS magnitude,
                 count(*) AS events, bar(count(*), 0, 800, 32) AS share
            FROM (SELECT magnitude::DOUBLE AS m FROM ${earthquakeTable}) GROUP BY 1 ORDER BY min(m)`,
  },
  {
    title: 'Where',
    sql: `SELECT CASE area WHEN 'CA' THEN 'California' ELSE area END AS area, count(*) AS events, max(magnitude::DOUBLE) AS strongest,
                 round(avg(latitude::DOUBLE), 1) AS latitude, round(avg(longitude::DOUBLE), 1) AS longitude
            FROM (SELECT *, trim(split_part(place, ',', -1)) AS area FROM ${earthquakeTable}) GROUP BY 1 ORDER BY events DESC LIMIT 6`,
  },
] as const;
