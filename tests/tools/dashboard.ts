// The type of the bundle's dashboards: Grafana's published one, with each panel's options and field settings as its
// plugin publishes them. Published types leave both open ("unknown"), so a wrong member would pass.

import type { AnnotationQuery, AnnotationTarget, Dashboard, DataQuery, FieldConfig, Panel, RowPanel, VariableModel } from '@grafana/schema';
import type * as BarGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as Heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as Logs from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// A type as JSON spells it: enums of strings are their values.
type Plain<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number | boolean | null | undefined
      ? T
      : T extends Array<infer Item>
        ? Array<Plain<Item>>
        : { [Name in keyof T]: Plain<T[Name]> };

type None = Record<string, never>;

// Types of queries come with their data sources' plugins, not with the schema.
interface PrometheusQuery extends DataQuery {
  datasource: { type: 'prometheus'; uid: string };
  editorMode: 'code';
  expr: string;
  format: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  legendFormat: string;
  range: boolean;
}

interface LokiQuery extends DataQuery {
  datasource: { type: 'loki'; uid: string };
  editorMode: 'code';
  expr: string;
  legendFormat: string;
  queryType: 'range' | 'instant';
}

// So do the members that the Prometheus plugin adds to an annotation.
interface PrometheusAnnotation extends AnnotationQuery<DataQuery & { expr: string; interval: string }> {
  expr: string;
  step: string;
  tagKeys: string;
  textFormat: string;
  titleFormat: string;
  useValueForTime?: boolean;
}

// Marks that are kept in Grafana itself, found by their tags.
type TagAnnotation = AnnotationQuery<DataQuery & AnnotationTarget & { type: 'tags' }>;

interface PanelOf<Type extends string, Options, Custom>
  extends Omit<Plain<Panel>, 'fieldConfig' | 'options' | 'targets' | 'type'> {
  fieldConfig: {
    defaults: Omit<Plain<FieldConfig>, 'custom'> & { custom: Custom };
    overrides: Array<{ matcher: { id: string; options?: unknown }; properties: Array<{ id: string; value?: unknown }> }>;
  };
  options: Options;
  targets: Array<PrometheusQuery | LokiQuery>;
  type: Type;
}

type AnyPanel =
  | PanelOf<'bargauge', Plain<BarGauge.Options>, None>
  | PanelOf<'heatmap', Plain<Heatmap.Options>, Plain<Heatmap.FieldConfig> | None>
  | PanelOf<'logs', Plain<Logs.Options>, None>
  | PanelOf<'stat', Plain<Stat.Options>, None>
  | PanelOf<'state-timeline', Plain<StateTimeline.Options>, Plain<StateTimeline.FieldConfig>>
  | PanelOf<'table', Plain<Table.Options>, Plain<Table.FieldConfig>>
  | PanelOf<'timeseries', Plain<TimeSeries.Options>, Plain<TimeSeries.FieldConfig>>;

type Row = Omit<Plain<RowPanel>, 'panels'> & { panels: AnyPanel[] };

export type AuditorDashboard = Omit<Plain<Dashboard>, 'annotations' | 'panels' | 'templating'> & {
  annotations: { list: Array<Plain<PrometheusAnnotation | TagAnnotation>> };
  panels: Array<AnyPanel | Row>;
  templating: { list: Array<Plain<VariableModel>> };
};
