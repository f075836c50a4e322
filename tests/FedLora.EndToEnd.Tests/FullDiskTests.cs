using System.Text.Json;
using FedLora.Protocol.V1;
using FedLora.Tests;
using Grpc.Core;

namespace FedLora.EndToEnd.Tests;

/// <summary>Disks that are really full: one clear line, nothing half-written, and what runs goes on once there is room.</summary>
public sealed class FullDiskTests
{
    private static readonly CohortRules One = new() { Size = 1, Quorum = 1, MinNodes = 1, DeadlineSeconds = 600 };

    [TinyDiskFact]
    public async Task A_coordinator_acknowledges_nothing_that_it_could_not_write_and_goes_on_once_there_is_room()
    {
        using var disk = new TinyDisk("4m");
        await using var coordinator = await CoordinatorProcess.StartAsync(Path.Combine(disk.Root, "coordinator"));
        using var federation = await TestFederation.CreateAsync(coordinator, rounds: 1, modules: 8, One);
        var node = Assert.Single(await federation.EnrolAsync(1));
        await federation.StartAsync();
        var task = await node.NextTaskAsync();
        var update = node.Train(task, await node.FetchAsync(task));

        disk.Fill(leave: update.Length / 2048);
        var full = await Assert.ThrowsAsync<RpcException>(() => node.SendAsync(TestNode.Header(task, update), update));
        Assert.Equal(StatusCode.ResourceExhausted, full.StatusCode);
        Assert.Contains("disk is full", full.Status.Detail, StringComparison.Ordinal);
        disk.Fill();
        await Assert.ThrowsAsync<RpcException>(() => federation.TokenAsync(1));
        Assert.Equal(0u, (await federation.ShowAsync()).Rounds.Single().Updates);

        disk.Free();
        var sent = await TestNode.RetryAsync(() => node.UploadAsync(TestNode.Header(task, update), update));
        Assert.True(sent.Last.Complete);
        await federation.UntilAsync(view => view.State == FederationState.Finished);
        var (stored, replayed) = await federation.ReplayAsync(1);
        Assert.Equal(stored, replayed);
        Assert.Equal(0, await coordinator.EndAsync("TERM"));
        Assert.DoesNotContain(disk.Files(),
            name => name.Contains("temporary/", StringComparison.Ordinal) || name.EndsWith(".tmp", StringComparison.Ordinal));
        node.Dispose();
    }

    /// <summary>More is on its way than the coordinator takes in unread: the reason is heard all the same.</summary>
    [TinyDiskFact]
    public async Task An_update_that_is_refused_in_its_middle_is_told_why()
    {
        using var disk = new TinyDisk("32m");
        await using var coordinator = await CoordinatorProcess.StartAsync(Path.Combine(disk.Root, "coordinator"));
        using var federation = await TestFederation.CreateAsync(coordinator, rounds: 1, modules: 64, One);
        using var node = Assert.Single(await federation.EnrolAsync(1));
        await federation.StartAsync();
        var task = await node.NextTaskAsync();
        var update = node.Train(task, await node.FetchAsync(task));
        Assert.True(update.Length > 3 << 20);

        disk.Fill(leave: 256);
        var full = await Assert.ThrowsAsync<RpcException>(() => node.SendAsync(TestNode.Header(task, update), update));
        Assert.Equal(StatusCode.ResourceExhausted, full.StatusCode);
        Assert.Contains("disk is full", full.Status.Detail, StringComparison.Ordinal);
        disk.Free();
        await node.SendAsync(TestNode.Header(task, update), update);
        await federation.UntilAsync(view => view.State == FederationState.Finished);
    }

    [TinyDiskFact]
    public async Task A_coordinator_on_a_full_disk_does_not_start_and_says_why()
    {
        using var disk = new TinyDisk("64k");
        disk.Fill();
        var data = Path.Combine(disk.Root, "coordinator");
        await FailsAsync("disk is full", "server", "--data", data, "--listen", "http://127.0.0.1:0");
        disk.Free();
        Assert.DoesNotContain(disk.Files(), name => name.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [TinyDiskFact]
    public async Task An_adapter_is_exported_whole_or_not_at_all()
    {
        using var disk = new TinyDisk("1m");
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var federation = await TestFederation.CreateAsync(coordinator, rounds: 1, modules: 8, One);
        var adapter = Path.Combine(disk.Root, "adapter");
        var command = new[] { "admin", "--data", coordinator.Data, "export", federation.Name, "--round", "0", "--out", adapter };
        disk.Fill(leave: 100);
        await FailsAsync("No space left", command);
        // Room for the tensors, none for the settings.
        disk.Free();
        disk.Fill(leave: 8 * 64 + 4);
        await FailsAsync("No space left", command);
        Assert.Empty(disk.Files());

        disk.Free();
        var (code, _, errors) = await Programs.RunAsync(command);
        Assert.True(code == 0, errors);
        Assert.Equal(["adapter/README.md", "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "adapter/fedlora.json"],
            disk.Files());
    }

    [TinyDiskFact]
    public async Task A_node_waits_out_a_full_disk_and_then_takes_part()
    {
        using var disk = new TinyDisk("4m");
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var sites = new RealSites();
        using var federation = await sites.CreateAsync(coordinator, rounds: 1, steps: 5, quorum: 1, deadlineSeconds: 600, nodes: 1);
        // Room for who it is, not for the adapter that it has to fetch.
        disk.Fill(leave: 64);
        using var client = RunningProgram.Client(
            [.. sites.Arguments(coordinator.Url, "a", disk.Root), "--token", await federation.TokenAsync(1)]);
        await client.SaidAsync("No space left on device");
        disk.Free();
        var end = await federation.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(1u, Assert.Single(end.Rounds).Updates);
        Assert.Equal(0, await client.EndAsync("TERM"));
        Assert.DoesNotContain(disk.Files(), name => name.EndsWith(".tmp", StringComparison.Ordinal));
    }

    private static async Task FailsAsync(string said, params string[] arguments)
    {
        var (code, _, errors) = await Programs.RunAsync(arguments);
        Assert.Equal(1, code);
        Assert.Contains(said, Assert.Single(errors.TrimEnd().Split('\n')), StringComparison.Ordinal);
        var (jsonCode, output, _) = await Programs.RunAsync([.. arguments, "--json"]);
        Assert.Equal(1, jsonCode);
        using var json = JsonDocument.Parse(output);
        Assert.NotEmpty(json.RootElement.GetProperty("error").GetProperty("hint").GetString()!);
    }
}
