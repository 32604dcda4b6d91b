using Secrets.Application.Audit;
using Secrets.Application.Secrets;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.GroupCommit;

internal static class GroupCommitRegistration
{
    public static IServiceCollection AddGroupCommit(this IServiceCollection services)
    {
        services.AddSettings<GroupCommitOptions>(GroupCommitOptions.Section)
            .Validate(
                commit => commit.IsValid(),
                $"GroupCommit: BatchSize must be from 1 to {GroupCommitOptions.MaxBatchSize}, Committers from 1 to {GroupCommitOptions.MaxCommitters}, "
                + $"WaitMilliseconds from 0 to {GroupCommitOptions.MaxWaitMilliseconds}, QueueLength at least 1.");
        return services
            .AddSingleton<NewSecretAccounts>()
            .AddSingleton<INewSecrets, NewSecrets>()
            .AddSingleton<ConditionalAudit>()
            .AddSingleton<IAuditLog, AuditLog>();
    }
}
