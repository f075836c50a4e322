using System.CommandLine;
using FedLora.Cli.Commands.Admin;
using FedLora.Cli.Output;
using FedLora.Client.State;
using FedLora.Core.Audit;

namespace FedLora.Cli.Commands.Client;

/// <summary><c>fedlora client events</c>: what happened at a node, one line each, oldest first, by the audit log in its folder.</summary>
internal static class ClientEventsCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var site = new SiteOptions();
        var last = EventsCommand.LastOption();
        var federation = new Option<string?>("--federation") { Description = "Only what is about this federation." };
        var follow = new Option<bool>("--follow") { Description = "Then go on with what happens, until Ctrl-C." };
        return site.AddTo(new Command("events",
            "What happened at this site's node, by the audit log in its own folder; asks no coordinator.") { last, federation, follow })
            .Streams(typeof(EventJson)).Runs(async (parsed, output, cancellationToken) =>
            {
                var folder = AuditLog.FolderIn(NodeFolder.Existing(site.Read(parsed).Folder));
                var about = parsed.GetValue(federation);
                // What comes while the log is read is followed, and only there.
                var newest = AuditFiles.Last(folder, _ => true, 1, cancellationToken).Select(entry => entry.Sequence).FirstOrDefault();
                var shown = AuditFiles.Last(folder, entry => entry.Sequence <= newest && IsWanted(entry), EventsCommand.Count(parsed, last),
                    cancellationToken);
                if (!Show(shown) && !parsed.GetValue(follow))
                    output.Remark($"Nothing that was asked for is in the node's audit log, {folder}.");
                if (parsed.GetValue(follow))
                    await FollowAsync(folder, newest, entries => Show([.. entries.Where(IsWanted)]), cancellationToken);

                bool IsWanted(AuditEntry entry) => about is null || entry.Fields.GetValueOrDefault("federation") == about;

                bool Show(IReadOnlyCollection<AuditEntry> entries)
                {
                    foreach (var entry in entries)
                        EventsCommand.Show(output, new EventJson(entry.Sequence, entry.At, entry.Level, entry.Event, entry.Message,
                            new SortedDictionary<string, string>(entry.Fields.ToDictionary(), StringComparer.Ordinal), entry.Hash));
                    return entries.Count > 0;
                }
            });
    }

    private static async Task FollowAsync(string folder, long seen, Action<IReadOnlyList<AuditEntry>> show,
        CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Look, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                var entries = AuditFiles.After(folder, seen, cancellationToken);
                show(entries);
                seen = entries.Count > 0 ? entries[^1].Sequence : seen;
            }
        }
        catch (OperationCanceledException)
        {
            // How one stops following.
        }
    }
}
