// Production: eight workers with larger pools, and bounds derived from their number.
// python -m generator render --overlay deploy/overlays/production.jsonnet --out build/production
local workers = 8;
local pool = {
  size: 10,
  overflow: 5,
  why: 'DB_POOL_SIZE and DB_MAX_OVERFLOW of the production deployment',
};
local connections = workers * (pool.size + pool.overflow);
local share(part) = std.floor(part * connections);

{
  service: {
    expected_workers: workers,
    database_pool: pool,
    links: { grafana: 'https://grafana.example.com' },
    labels: { environment: 'production', team: 'auditor' },
  },
  targets: {
    database: {
      connections: {
        target: share(0.5),
        acceptable: share(0.7),
        poor: share(0.9),
        why: '50%%, 70%% and 90%% of the %d connections that the workers can open' % connections,
      },
    },
  },
  alerts: { workers_missing: { expected: workers } },
  slo: { availability: { objective: '99.9%', why: 'promised to production customers' } },
}
