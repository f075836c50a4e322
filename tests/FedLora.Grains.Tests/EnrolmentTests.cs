namespace FedLora.Grains.Tests;

/// <summary>Join tokens, enrolment, credentials.</summary>
public sealed class EnrolmentTests
{
    [Fact]
    public async Task A_token_admits_as_many_nodes_as_it_says_and_only_in_time()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var token = await coordinator.Enrolment.CreateTokenAsync(new() { Uses = 2, Lifetime = TimeSpan.FromHours(1) }, default);
        await EnrolAsync(coordinator, token.Token, "a");
        await EnrolAsync(coordinator, token.Token, "b");
        await RoundTests.RefusedAsync(RefusalCodes.TokenInvalid, () => EnrolAsync(coordinator, token.Token, "c"));
        await RoundTests.RefusedAsync(RefusalCodes.TokenInvalid, () => EnrolAsync(coordinator, "guess", "c"));
        var second = await coordinator.Enrolment.CreateTokenAsync(new() { Lifetime = TimeSpan.FromHours(1) }, default);
        await RoundTests.RefusedAsync(RefusalCodes.NodeExists, () => EnrolAsync(coordinator, second.Token, "a"));
        await RoundTests.RefusedAsync(RefusalCodes.NodeName, () => EnrolAsync(coordinator, second.Token, "A/../b"));
        coordinator.Time.Advance(TimeSpan.FromHours(1));
        await RoundTests.RefusedAsync(RefusalCodes.TokenInvalid, () => EnrolAsync(coordinator, second.Token, "c"));
    }

    [Fact]
    public async Task The_same_request_again_is_the_same_node_with_a_new_credential()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var token = await coordinator.Enrolment.CreateTokenAsync(new(), default);
        var request = new EnrolRequest { Token = token.Token, Name = "a", RequestId = "r1" };
        var first = await coordinator.Enrolment.EnrolAsync(request, default);
        var again = await coordinator.Enrolment.EnrolAsync(request, default);
        Assert.Equal(first.NodeId, again.NodeId);
        var node = coordinator.Grains.GetGrain<INodeGrain>(first.NodeId);
        await node.AuthenticateAsync(again.Credential, default);
        await RoundTests.RefusedAsync(RefusalCodes.NodeCredential, () => node.AuthenticateAsync(first.Credential, default));
        await RoundTests.RefusedAsync(RefusalCodes.TokenInvalid,
            () => coordinator.Enrolment.EnrolAsync(request with { RequestId = "r2", Name = "b" }, default));
        await node.RevokeAsync(default);
        await RoundTests.RefusedAsync(RefusalCodes.NodeRevoked, () => node.AuthenticateAsync(again.Credential, default));
        await RoundTests.RefusedAsync(RefusalCodes.NodeUnknown,
            () => coordinator.Grains.GetGrain<INodeGrain>("nobody").AuthenticateAsync("x", default));
    }

    [Fact]
    public async Task No_secret_is_stored()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var token = await coordinator.Enrolment.CreateTokenAsync(new() { Note = "for the test" }, default);
        var storage = coordinator.Service<Orleans.Storage.IGrainStorage>();
        var state = new GrainState<EnrolmentRecord>(new());
        await storage.ReadStateAsync("enrolment", coordinator.Enrolment.GetGrainId(), state);
        Assert.Equal(Secrets.Hash(token.Token), Assert.Single(state.State!.Tokens).Value.Hash);
        Assert.DoesNotContain(token.Token, System.Text.Json.JsonSerializer.Serialize(state.State), StringComparison.Ordinal);
    }

    private static Task<EnrolReply> EnrolAsync(Coordinator coordinator, string token, string name) =>
        coordinator.Enrolment.EnrolAsync(new() { Token = token, Name = name, RequestId = Guid.NewGuid().ToString("N") }, default);
}
