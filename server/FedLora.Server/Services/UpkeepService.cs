using FedLora.Core.Audit;
using FedLora.Server.Audit;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Services;

/// <summary>What operators call in a coordinator's daily life, and auditors where nothing is changed.</summary>
[Authorize(Policies.Reader)]
internal sealed partial class UpkeepService(IGrainFactory grains, FederationCreator creator, DataFolder folder, AuditLog audit,
    ActionRecorder recorder, CallEnding calls, IEnumerable<ICoordinatorPages> pages) : Wire.Upkeep.UpkeepBase
{
    private static readonly TimeSpan LinkLifetime = TimeSpan.FromMinutes(10);

    private IAccessGrain Access => grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    private IEnrolmentGrain Enrolment => grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key);

    public override async Task<Wire.CreateDashboardLinkResponse> CreateDashboardLink(Wire.CreateDashboardLinkRequest request,
        ServerCallContext context)
    {
        var dashboard = pages.FirstOrDefault()
            ?? throw new RefusedException(RefusalCodes.DashboardOff, "this coordinator serves no dashboard",
                "start it with --dashboard http://127.0.0.1:5081");
        var own = context.GetHttpContext().User.IsInRole(Roles.Operator) ? Roles.Operator : Roles.Auditor;
        var role = request.Role.Length == 0 ? own : request.Role;
        if (role is not (Roles.Operator or Roles.Auditor))
            throw new RefusedException(RefusalCodes.LinkInvalid, $"there is no role '{role}'", $"use {Roles.Operator} or {Roles.Auditor}");
        if (role != own && own != Roles.Operator)
            throw new RefusedException(RefusalCodes.RoleInsufficient, "an auditor cannot give an operator's link",
                "ask an operator for it");
        var lifetime = request.ValidSeconds == 0 ? LinkLifetime : TimeSpan.FromSeconds(request.ValidSeconds);
        var link = await grains.GetGrain<ISessionsGrain>(ISessionsGrain.Key).IssueAsync(role, context.CallerId(), lifetime,
            context.CancellationToken);
        return new Wire.CreateDashboardLinkResponse
        {
            Url = $"{dashboard.Url}/sign-in?code={link.Code}",
            ExpiresUnixMs = link.ExpiresAt.ToUnixTimeMilliseconds(),
            Role = role
        };
    }

    public override async Task<Wire.ListTokensResponse> ListTokens(Wire.ListTokensRequest request, ServerCallContext context)
    {
        var (nodes, people) = (await Enrolment.ListTokensAsync(context.CancellationToken),
            await Access.ListTokensAsync(context.CancellationToken));
        return new Wire.ListTokensResponse { Tokens = { nodes.Concat(people).OrderBy(token => token.ExpiresAt).Select(ToWire) } };
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.ListTokensResponse> RevokeToken(Wire.RevokeTokenRequest request, ServerCallContext context)
    {
        if (!await Enrolment.RevokeTokenAsync(request.Id, context.CancellationToken)
            && !await Access.RevokeTokenAsync(request.Id, context.CancellationToken))
            throw new RefusedException(RefusalCodes.TokenUnknown, $"there is no join token '{request.Id}' that could still be used",
                "see: fedlora admin token list");
        return await ListTokens(new Wire.ListTokensRequest(), context);
    }

    private static Wire.TokenView ToWire(TokenView token) => new()
    {
        Id = token.Id,
        Role = token.Role.Length > 0 ? token.Role : Roles.Node,
        Name = token.Name,
        Note = token.Note,
        ExpiresUnixMs = token.ExpiresAt.ToUnixTimeMilliseconds(),
        UsesLeft = (uint)token.UsesLeft,
    };
}
