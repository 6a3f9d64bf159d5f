//! Charts of results: SVG without a background, in colors for light and dark pages.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::Failure;
use crate::case::{Case, Metric, Runtime, Section, Transport, in_words};
use crate::implementation::Implementation;
use crate::results::Results;

/// A chart for the documentation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chart {
    /// The name of its file.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) section: Section,
    metric: Metric,
    transport: Transport,
    runtime: Runtime,
}

/// All charts.
pub(crate) const ALL: [Chart; 11] = [
    Chart {
        name: "throughput-tcp",
        title: "One way over tcp, one thread: messages per second",
        section: Section::Throughput,
        metric: Metric::Rate,
        transport: Transport::Tcp,
        runtime: Runtime::CurrentThread,
    },
    Chart {
        name: "throughput-ipc",
        title: "One way over ipc, one thread: messages per second",
        section: Section::Throughput,
        metric: Metric::Rate,
        transport: Transport::Ipc,
        runtime: Runtime::CurrentThread,
    },
    Chart {
        name: "throughput-inproc",
        title: "One way over inproc, two workers: messages per second",
        section: Section::Throughput,
        metric: Metric::Rate,
        transport: Transport::Inproc,
        runtime: Runtime::MultiThread,
    },
    Chart {
        name: "latency-tcp",
        title: "Round trip over tcp, one thread: median in µs",
        section: Section::Latency,
        metric: Metric::Median,
        transport: Transport::Tcp,
        runtime: Runtime::CurrentThread,
    },
    Chart {
        name: "pipelined",
        title: "Requests answered per second, by the number outstanding",
        section: Section::Pipelined,
        metric: Metric::Rate,
        transport: Transport::Tcp,
        runtime: Runtime::CurrentThread,
    },
    Chart {
        name: "fan-in",
        title: "Messages received per second, by the number of clients",
        section: Section::FanIn,
        metric: Metric::Rate,
        transport: Transport::Tcp,
        runtime: Runtime::CurrentThread,
    },
    Chart {
        name: "scatter-tcp",
        title: "SCATTER to GATHER over tcp, one thread: messages per second",
        section: Section::Scatter,
        metric: Metric::Rate,
        transport: Transport::Tcp,
        runtime: Runtime::CurrentThread,
    },
    Chart {
        name: "push-tcp",
        title: "PUSH to PULL over tcp, one thread: messages per second",
        section: Section::Push,
        metric: Metric::Rate,
        transport: Transport::Tcp,
        runtime: Runtime::CurrentThread,
    },
    Chart {
        name: "groups-tcp",
        title: "Deliveries per second without drops, by the number of DISHes",
        section: Section::Groups,
        metric: Metric::Rate,
        transport: Transport::Tcp,
        runtime: Runtime::CurrentThread,
    },
    Chart {
        name: "topics-tcp",
        title: "Deliveries per second without drops, by the number of SUBs",
        section: Section::Topics,
        metric: Metric::Rate,
        transport: Transport::Tcp,
        runtime: Runtime::CurrentThread,
    },
    Chart {
        name: "datagrams",
        title: "RADIO to DISH over udp, one thread: received datagrams per second",
        section: Section::Datagrams,
        metric: Metric::Rate,
        transport: Transport::Udp,
        runtime: Runtime::CurrentThread,
    },
];

impl Chart {
    /// Returns the SVG, or `None` if the cases were not measured.
    pub(crate) fn draw(&self, results: &Results) -> Result<Option<String>, Failure> {
        let lines: Vec<_> = Implementation::ALL
            .into_iter()
            .map(|who| (who, self.points(results, who)))
            .filter(|(_, points)| points.len() > 1)
            .collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let mut svg = String::new();
        self.draw_on(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), &lines)?;
        Ok(Some(svg))
    }

    fn draw_on(
        &self,
        area: &DrawingArea<SVGBackend<'_>, Shift>,
        lines: &[(Implementation, Vec<(f64, f64)>)],
    ) -> Result<(), Failure> {
        let all = || lines.iter().flat_map(|(_, points)| points);
        let (left, right) = bounds(all().map(|point| point.0));
        let (bottom, top) = bounds(all().map(|point| point.1));
        let of_sizes = matches!(
            self.section,
            Section::Throughput
                | Section::Latency
                | Section::Scatter
                | Section::Push
                | Section::Datagrams
        );
        let base = if of_sizes { 4.0 } else { 10.0 };
        let text = |size: u32| ("sans-serif", size).into_font().color(&GREY);
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .margin_right(24)
            .caption(self.title, text(17))
            .x_label_area_size(28)
            .y_label_area_size(52)
            .build_cartesian_2d(
                (left..right).log_scale().base(base),
                (bottom / 1.3..top * 1.3).log_scale(),
            )?;
        chart
            .configure_mesh()
            .bold_line_style(GREY.mix(0.25))
            .light_line_style(TRANSPARENT)
            .axis_style(GREY.mix(0.6))
            .label_style(text(13))
            .x_label_formatter(&|x| if of_sizes { in_words(*x as usize) } else { format!("{x}") })
            .y_label_formatter(&|y| tick(*y))
            .draw()?;
        for (who, points) in lines {
            let (red, green, blue) = who.color();
            let color = RGBColor(red, green, blue);
            let width = if *who == Implementation::TokioZmtp { 3 } else { 2 };
            let line = color.stroke_width(width);
            chart
                .draw_series(LineSeries::new(points.iter().copied(), line))?
                .label(who.title())
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], line));
            chart.draw_series(
                points.iter().map(|&point| Circle::new(point, width + 1, color.filled())),
            )?;
        }
        let position = match self.metric {
            Metric::Rate if of_sizes => SeriesLabelPosition::LowerLeft,
            _ => SeriesLabelPosition::UpperLeft,
        };
        chart.configure_series_labels().position(position).label_font(text(13)).draw()?;
        Ok(area.present()?)
    }

    /// Returns the results of an implementation, by the parameter that varies.
    fn points(&self, results: &Results, who: Implementation) -> Vec<(f64, f64)> {
        let waits = matches!(self.section, Section::Groups | Section::Datagrams | Section::Topics);
        let of_this = |case: Case| {
            case.section == self.section
                && case.transport == self.transport
                && case.runtime == self.runtime
                && !case.pinned
                && case.no_drop == waits
                && case.topics <= 1
                && !case.proxied
        };
        let mut cases: Vec<_> = results.measured.iter().map(|measured| measured.case).collect();
        cases.retain(|&case| of_this(case));
        cases.sort_unstable();
        cases.dedup();
        let at = |case: Case| match self.section {
            Section::Throughput
            | Section::Latency
            | Section::Curve
            | Section::Req
            | Section::Scatter
            | Section::Push
            | Section::Batches
            | Section::Parts
            | Section::Datagrams
            | Section::Websocket => case.size,
            Section::Handshakes
            | Section::Floods
            | Section::FanIn
            | Section::Idle
            | Section::Groups
            | Section::Topics
            | Section::Crowd => case.clients,
            // No chart shows these: rates of implementations differ, and so do builds.
            Section::Load | Section::Lto => 0,
            Section::Pipelined | Section::Dealer | Section::Cost | Section::Rpc => case.outstanding,
        };
        let point = |case| Some((at(case) as f64, results.spread(case, self.metric, who)?.median));
        cases.into_iter().filter_map(point).collect()
    }
}

impl Implementation {
    /// Returns a color that is visible on light and dark backgrounds.
    fn color(self) -> (u8, u8, u8) {
        match self {
            Self::TokioZmtp => (224, 84, 36),
            Self::Libzmq => (66, 133, 244),
            Self::Omq => (46, 160, 67),
            Self::Monocoque => (163, 95, 219),
            Self::ZmqRs => (191, 145, 20),
            Self::Rzmq => (20, 160, 170),
            Self::Tonic => (214, 72, 140),
            Self::Bare | Self::Channel | Self::TokioZmtpTcp => (122, 128, 136),
        }
    }
}

/// Returns the range of the values.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, 0.0), |(least, most), value| (value.min(least), value.max(most)))
}

fn tick(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} M", value / 1e6),
        value if value >= 1e3 => format!("{} k", value / 1e3),
        value => format!("{value}"),
    }
}

const SIZE: (u32, u32) = (760, 400);

/// A middle gray.
const GREY: RGBColor = RGBColor(122, 128, 136);
