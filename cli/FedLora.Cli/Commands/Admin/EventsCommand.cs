using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Grpc.Core;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin events</c>: what happened at a coordinator, one line each, oldest first.</summary>
internal static class EventsCommand
{
    public static Command Create()
    {
        var last = LastOption();
        var federation = new Option<string?>("--federation") { Description = "Only what is about this federation." };
        var node = new Option<string?>("--node") { Description = "Only what is about this node, by its name or id." };
        var follow = new Option<bool>("--follow") { Description = "Then go on with what happens, until Ctrl-C." };
        return new Command("events", "What happened and who did it, by the coordinator's audit log.") { last, federation, node, follow }
            .Streams(typeof(EventJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            {
                var request = new ListEventsRequest
                {
                    Last = (uint)Count(parsed, last),
                    Federation = parsed.GetValue(federation) ?? "",
                    Node = parsed.GetValue(node) ?? "",
                    Follow = parsed.GetValue(follow),
                };
                try
                {
                    await ShowAsync(request, output, connection, cancellationToken);
                }
                catch (Exception error) when (request.Follow && error is RpcException or OperationCanceledException
                    && cancellationToken.IsCancellationRequested)
                {
                    // How one stops following.
                }
            });
    }

    internal static Option<uint> LastOption() =>
        new("--last") { Description = "The newest so many, at most 10000.", DefaultValueFactory = _ => 50 };

    internal static int Count(ParseResult parsed, Option<uint> last) => parsed.GetValue(last) is >= 1 and <= 10_000 and var count
        ? (int)count : throw new UsageException($"--last is {parsed.GetValue(last)}", "Give a number from 1 to 10000.");

    internal static void Show(CommandOutput output, EventJson entry) =>
        output.Result(entry, console => console.WriteLine($"{entry.At:u} {Mark(entry.Level)}{entry.Message}"));

    private static async Task ShowAsync(ListEventsRequest request, CommandOutput output, CoordinatorConnection connection,
        CancellationToken cancellationToken)
    {
        using var call = connection.Upkeep.ListEvents(request,
            request.Follow ? connection.Options(cancellationToken) : connection.Call(cancellationToken));
        var isAny = false;
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            isAny = true;
            var view = call.ResponseStream.Current;
            var json = new EventJson((long)view.Sequence, DateTimeOffset.FromUnixTimeMilliseconds(view.AtUnixMs), view.Level, view.Event,
                view.Message, new SortedDictionary<string, string>(view.Fields, StringComparer.Ordinal), view.Hash);
            Show(output, json);
        }
        if (!isAny)
            output.Remark("Nothing that was asked for is in the coordinator's audit log.");
    }

    private static string Mark(string level) => level == "information" ? "" : $"{level.ToUpperInvariant()} ";
}

/// <param name="Sequence">1, 2, 3, ...</param>
/// <param name="At">When.</param>
/// <param name="Level">information, warning, error or critical.</param>
/// <param name="Event">Which kind, e.g. Committed, Acted.</param>
/// <param name="Message">For people.</param>
/// <param name="Fields">What it is about: federation, round, node, actor, ...</param>
/// <param name="Hash">SHA-256 of the log's line, in which the hash of the one before stands.</param>
internal sealed record EventJson(long Sequence, DateTimeOffset At, string Level, string Event, string Message,
    IReadOnlyDictionary<string, string> Fields, string Hash);
