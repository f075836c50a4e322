using System.CommandLine;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Cli.Output;
using Spectre.Console;

namespace FedLora.Cli.Commands.Adapter;

/// <summary><c>fedlora adapter diff A B</c>: how far two adapters of one model are apart, as functions and as tensors.</summary>
internal static class DiffCommand
{
    /// <param name="Distance">||s1 B1 A1 - s2 B2 A2||_F / ||s1 B1 A1||_F; for heads the same of the tensors. Null where the first is zero
    /// and the second is not.</param>
    internal sealed record Row(string Name, double? Distance);

    /// <summary>How far two adapters are apart.</summary>
    internal sealed record DiffJson(bool SameBytes, double? Distance, IReadOnlyList<Row> Modules);

    public static Command Create()
    {
        var (one, two) = (new Argument<string>("A") { Description = "An adapter folder." },
            new Argument<string>("B") { Description = "Another of the same model; ranks may differ." });
        return new Command("diff", "Compare what two adapters of one model do.") { one, two }
            .Writes(typeof(DiffJson)).Runs((parsed, output, _) =>
        {
            var (a, b) = (PeftFolder.Read(parsed.GetValue(one)!), PeftFolder.Read(parsed.GetValue(two)!));
            var (layoutA, layoutB) = (a.Layout(), b.Layout());
            RequireSameModules(layoutA, layoutB);
            var squares = layoutA.Modules.Select(m => (m.Name, Pair: AdapterAlgebra.Compare((a.State, layoutA), (b.State, layoutB), m)))
                .Concat(
                    layoutA.Heads.Select(
                        h => (h.Name, Pair: Compare(a.State[$"base_model.model.{h.Name}"], b.State[$"base_model.model.{h.Name}"]))))
                .ToArray();
            var rows = squares.Select(s => new Row(s.Name, Relative(s.Pair.Distance, s.Pair.Norm))).ToArray();
            var all = Relative(Math.Sqrt(squares.Sum(s => s.Pair.Distance * s.Pair.Distance)),
                Math.Sqrt(squares.Sum(s => s.Pair.Norm * s.Pair.Norm)));
            var same = a.State.Hash == b.State.Hash && layoutA.Scale.Equals(layoutB.Scale);
            output.Result(new DiffJson(same, all, rows), console =>
            {
                var table = new Table().Border(TableBorder.Rounded).AddColumns("module", "relative distance");
                foreach (var row in rows)
                    table.AddRow(Markup.Escape(row.Name), Text(row.Distance));
                console.Write(table);
                console.WriteLine(same ? "The two are the same, byte for byte." : $"Relative distance over all: {Text(all)}");
            });
            return Task.CompletedTask;
        });
    }

    private static (double Distance, double Norm) Compare(AdapterTensor one, AdapterTensor two) =>
        (Math.Sqrt(one.Values.Zip(two.Values, (x, y) => Math.Pow((double)x - y, 2)).Sum()), Math.Sqrt(one.Values.Sum(x => (double)x * x)));

    private static double? Relative(double distance, double norm) => norm > 0 ? distance / norm : distance > 0 ? null : 0;

    private static string Text(double? distance) => distance?.ToString("G4") ?? "the first is zero";

    private static void RequireSameModules(AdapterLayout one, AdapterLayout two)
    {
        var (a, b) = (Shapes(one), Shapes(two));
        if (a.Except(b, StringComparer.Ordinal).Concat(b.Except(a, StringComparer.Ordinal)).FirstOrDefault() is { } only)
            throw new FedLoraException("adapters-differ", $"Only one of the two adapters has {only}.",
                "Compare adapters of the same model with the same target modules.");

        static IEnumerable<string> Shapes(AdapterLayout layout) =>
            [.. layout.Modules.Select(m => $"{m.Name} ({m.DOut} x {m.DIn})"),
                .. layout.Heads.Select(h => $"{h.Name} ({string.Join(" x ", h.Shape)})")];
    }
}
