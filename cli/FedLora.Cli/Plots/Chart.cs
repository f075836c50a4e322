namespace FedLora.Cli.Plots;

/// <summary>One line of a chart.</summary>
/// <param name="Name">Its legend.</param>
/// <param name="Points">Finite points, by ascending x.</param>
/// <param name="Dashed">Drawn dashed, e.g. for a limit.</param>
public sealed record ChartLine(string Name, IReadOnlyList<(double X, double Y)> Points, bool Dashed = false);

/// <summary>A line chart.</summary>
/// <param name="Title">One line.</param>
/// <param name="XLabel">What x is, with its unit.</param>
/// <param name="YLabel">What y is, with its unit.</param>
/// <param name="Lines">At least one, each with a point.</param>
public sealed record LineChart(string Title, string XLabel, string YLabel, IReadOnlyList<ChartLine> Lines);

/// <summary>A group of bars in a bar chart.</summary>
/// <param name="Name">What stands below it.</param>
/// <param name="Values">One bar for each series, from 0 up; NaN leaves a gap.</param>
public sealed record BarGroup(string Name, IReadOnlyList<double> Values);

/// <summary>A grouped bar chart.</summary>
/// <param name="Title">One line.</param>
/// <param name="YLabel">What the bars measure, with its unit.</param>
/// <param name="Series">The legend: one name for each bar of a group.</param>
/// <param name="Groups">At least one.</param>
public sealed record BarChart(string Title, string YLabel, IReadOnlyList<string> Series, IReadOnlyList<BarGroup> Groups);

/// <summary>The dots of one kind in a scatter chart.</summary>
/// <param name="Name">Its legend.</param>
/// <param name="Points">Finite; x above 0.</param>
public sealed record ScatterSeries(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>A scatter chart; x is logarithmic.</summary>
/// <param name="Title">One line.</param>
/// <param name="XLabel">What x is, with its unit.</param>
/// <param name="YLabel">What y is, with its unit.</param>
/// <param name="Series">At least one, each with a point.</param>
/// <param name="XTick">How a value of x is written at its tick.</param>
public sealed record ScatterChart(string Title, string XLabel, string YLabel, IReadOnlyList<ScatterSeries> Series,
    Func<double, string> XTick);

/// <summary>A square matrix of counts, e.g. of what was guessed for what.</summary>
/// <param name="Title">One line.</param>
/// <param name="RowLabel">What a row is.</param>
/// <param name="ColumnLabel">What a column is.</param>
/// <param name="Names">Of rows and columns, at least one.</param>
/// <param name="Counts">By row, then column; as many as names each.</param>
public sealed record MatrixChart(string Title, string RowLabel, string ColumnLabel, IReadOnlyList<string> Names,
    IReadOnlyList<IReadOnlyList<long>> Counts);
