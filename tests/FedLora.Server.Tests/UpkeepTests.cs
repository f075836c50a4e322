using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Server.Tests;

/// <summary>What operators do in a coordinator's daily life.</summary>
public sealed class UpkeepTests
{
    [Fact]
    public async Task Join_tokens_are_listed_without_their_secrets_and_taken_back()
    {
        await using var bench = await Bench.StartAsync();
        var secret = await bench.TokenAsync(3);
        var listed = (await bench.Operator.Upkeep.ListTokensAsync(new ListTokensRequest(), bench.Operator.Options(default)))
            .Tokens.Single();
        Assert.Equal(3u, listed.UsesLeft);
        Assert.DoesNotContain(secret, listed.ToString(), StringComparison.Ordinal);
        Assert.Empty((await bench.Operator.Upkeep.RevokeTokenAsync(new RevokeTokenRequest { Id = listed.Id },
            bench.Operator.Options(default))).Tokens);
        await RefusedAsync(StatusCode.Unauthenticated, async () =>
            await bench.Operator.Enrolment.EnrolAsync(new EnrolRequest { Token = secret, Name = "a", RequestId = new string('a', 32) }));
        await RefusedAsync(StatusCode.NotFound, async () =>
            await bench.Operator.Upkeep.RevokeTokenAsync(new RevokeTokenRequest { Id = listed.Id }, bench.Operator.Options(default)));
    }

    [Fact]
    public async Task Waiting_and_retention_can_be_changed_and_what_rounds_were_made_with_cannot()
    {
        await using var bench = await Bench.StartAsync();
        var definition = Bench.Define("fedit", rounds: 2, nodes: 2);
        await bench.StartFederationAsync(definition);
        var changed = definition.Clone();
        changed.Cohort.DeadlineSeconds = 77;
        changed.Cohort.Quorum = 1;
        changed.Retention = new Retention { UpdateRounds = 1 };
        var view =
            await bench.Operator.Upkeep.ChangeFederationAsync(new ChangeFederationRequest { Definition = changed },
                bench.Operator.Options(default));
        Assert.Equal(77u, view.Definition.Cohort.DeadlineSeconds);
        Assert.Equal(1u, view.Definition.Cohort.Quorum);
        Assert.Equal(1, view.Definition.Retention.UpdateRounds);
        Assert.Equal(definition.Layout, view.Definition.Layout);
        await bench.RestartAsync();
        Assert.Equal(77u,
            (await bench.Operator.Admin.ShowFederationAsync(new FederationName { Name = "test" }, bench.Operator.Options(default)))
                .Definition.Cohort.DeadlineSeconds);
        foreach (var (key, change) in ((string, Action<FederationDefinition>)[])
            [("method", other => other.Method = "ffa-lora"), ("rounds", other => other.Rounds = 9),
                ("lora.rank", other => other.Lora.Rank = 3), ("training.learning_rate", other => other.Training.LearningRate = 0.5),
                ("privacy", other => other.Privacy = new PrivacyTerms { Epsilon = 1, Delta = 1e-5, ClipNorm = 1, SamplingRate = 0.1 })])
        {
            var other = definition.Clone();
            change(other);
            var refused =
                await RefusedAsync(StatusCode.InvalidArgument, async () =>
                    await bench.Operator.Upkeep.ChangeFederationAsync(new ChangeFederationRequest { Definition = other },
                        bench.Operator.Options(default)));
            Assert.Contains($"'{key}'", refused, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_clone_starts_as_its_original_did_and_outlives_it()
    {
        await using var bench = await Bench.StartAsync();
        using var end = new CancellationTokenSource();
        var node = bench.RunNodeAsync("a", await bench.TokenAsync(), new FakeTrainer(1), end.Token);
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        var original = await bench.UntilAsync(view => view.State == FederationState.Finished);
        var clone =
            await bench.Operator.Upkeep.CloneFederationAsync(new CloneFederationRequest { From = "test", Name = "again" },
                bench.Operator.Options(default));
        Assert.Equal(FederationState.Created, clone.State);
        Assert.NotEqual(original.Adapter.Sha256, clone.Adapter.Sha256);
        await RefusedAsync(StatusCode.AlreadyExists, async () =>
            await bench.Operator.Upkeep.CloneFederationAsync(new CloneFederationRequest { From = "test", Name = "again" },
                bench.Operator.Options(default)));

        await bench.Operator.Upkeep.DeleteFederationAsync(new FederationName { Name = "test" }, bench.Operator.Options(default));
        await RefusedAsync(StatusCode.NotFound, async () =>
            await bench.Operator.Admin.ShowFederationAsync(new FederationName { Name = "test" }, bench.Operator.Options(default)));
        await RefusedAsync(StatusCode.NotFound, async () =>
            await bench.Operator.Upkeep.DeleteFederationAsync(new FederationName { Name = "test" }, bench.Operator.Options(default)));
        await bench.RestartAsync();
        Assert.Equal("again",
            (await bench.Operator.Admin.ListFederationsAsync(new ListFederationsRequest(), bench.Operator.Options(default)))
                .Federations.Single().Definition.Name);
        await bench.Operator.Admin.StartFederationAsync(new FederationName { Name = "again" }, bench.Operator.Options(default));
        await bench.UntilAsync(view => view.State == FederationState.Finished, "again");
        // Its name is free again.
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        await end.CancelAsync();
        await node;
    }

    [Fact]
    public async Task A_federation_at_work_is_not_deleted()
    {
        await using var bench = await Bench.StartAsync();
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        await RefusedAsync(StatusCode.FailedPrecondition, async () =>
            await bench.Operator.Upkeep.DeleteFederationAsync(new FederationName { Name = "test" }, bench.Operator.Options(default)));
        await bench.Operator.Admin.StopFederationAsync(new FederationName { Name = "test" }, bench.Operator.Options(default));
        await bench.Operator.Upkeep.DeleteFederationAsync(new FederationName { Name = "test" }, bench.Operator.Options(default));
    }

    [Fact]
    public async Task The_disk_is_told_part_by_part()
    {
        await using var bench = await Bench.StartAsync();
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        var disk = await bench.Operator.Upkeep.ShowDiskAsync(new ShowDiskRequest(), bench.Operator.Options(default));
        Assert.Equal(Path.GetFullPath(bench.Data), disk.Folder);
        Assert.True(disk.FreeBytes > 0);
        var blobs = disk.Parts.Single(part => part.Name == "blobs");
        Assert.Equal(Directory.EnumerateFiles(Path.Combine(bench.Data, "blobs"), "*", SearchOption.AllDirectories)
            .Sum(file => new FileInfo(file).Length), blobs.Bytes);
        var gone = await bench.Operator.Upkeep.CollectGarbageAsync(new CollectGarbageRequest(), bench.Operator.Options(default));
        Assert.Equal((0u, 0u), (gone.Uploads, gone.Blobs));
    }

    private static async Task<string> RefusedAsync(StatusCode status, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(status, error.StatusCode);
        return error.Status.Detail;
    }
}
