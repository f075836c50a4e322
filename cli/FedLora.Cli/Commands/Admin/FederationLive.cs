using FedLora.Protocol.V1;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace FedLora.Cli.Commands.Admin;

/// <summary>
/// A federation's progress: tables that change in place on a terminal; in a pipe or a file one line per change, since there tables would
/// pile up.
/// </summary>
internal static class FederationLive
{
    /// <param name="console">Where to.</param>
    /// <param name="draw">The tables of a view.</param>
    /// <param name="clear">Whether the tables go at the end.</param>
    /// <param name="work">What is watched; calls back with every new view.</param>
    internal static async Task ShowAsync(IAnsiConsole console, Func<FederationView, IRenderable> draw, bool clear,
        Func<Action<FederationView>, Task> work)
    {
        if (console.Profile.Out.IsTerminal)
        {
            await console.Live(new Text("")).AutoClear(clear).StartAsync(live => work(view => live.UpdateTarget(draw(view))));
            return;
        }
        var last = "";
        await work(view =>
        {
            if (Line(view) is var line && line != last)
                console.WriteLine(last = line);
        });
    }

    private static string Line(FederationView view)
    {
        var line = FederationTables.Headline(view);
        return view.Rounds.LastOrDefault() is { HasLoss: true } done ? $"{line}; loss {done.Loss:0.000}" : line;
    }
}
