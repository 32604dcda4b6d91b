using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Text;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence.Configurations;

internal sealed class SecretConfiguration : IEntityTypeConfiguration<Secret>
{
    private const string NameIndex = "ux_secrets_name";
    private const string DefaultIndex = "ux_secrets_default";

    /// <summary>The rule that a unique index enforces.</summary>
    public static UniqueRule RuleOf(string index) => index switch
    {
        NameIndex => UniqueRule.SecretName,
        DefaultIndex => UniqueRule.SecretDefault,
        _ => UniqueRule.Other,
    };

    public void Configure(EntityTypeBuilder<Secret> builder)
    {
        builder.ToTable("secrets");
        builder.HasKey(secret => secret.Id);
        builder.Property(secret => secret.Id).ValueGeneratedNever();
        builder.Property(secret => secret.OwnerId).HasMaxLength(SecretOwner.MaxIdLength);
        builder.Property(secret => secret.Name).HasTextLength(Secret.NameLength);
        builder.Property(secret => secret.NameKey).IsHash();
        builder.Property(secret => secret.Description).HasTextLength(Secret.DescriptionLength).HasDefaultValue("");
        builder.Property(secret => secret.ToolName).HasTextLength(ToolPattern.Length);
        builder.Property(secret => secret.ToolArg).HasTextLength(ToolBinding.ArgLength);
        builder.Property(secret => secret.ToolKey).IsHash();
        builder.Property(secret => secret.ArgKey).IsHash();
        builder.Property(secret => secret.PatternArgKey).IsHash();
        builder.Property(secret => secret.Display).HasMaxLength(MaskedValue.MaxLength);
        builder.Property(secret => secret.Version).IsConcurrencyToken();
        builder.Ignore(secret => secret.Owner).Ignore(secret => secret.Binding).Ignore(secret => secret.Workspaces).Ignore(secret => secret.Placement);
        builder.OwnsMany(secret => secret.Grants, grant =>
        {
            // Keyed by number: a workspace name exceeds the maximum key size of some databases.
            grant.ToTable("workspace_grants");
            grant.WithOwner().HasForeignKey("SecretId").HasConstraintName("fk_workspace_grants_secret");
            grant.HasKey("SecretId", nameof(WorkspaceGrant.Number));
            grant.Property(row => row.Number).ValueGeneratedNever();
            grant.Property(row => row.Workspace).HasTextLength(Membership.WorkspaceLength);
        });

        builder.HasIndex(secret => new { secret.OwnerKind, secret.OwnerId, secret.NameKey })
            .IsUnique().HasDatabaseName(NameIndex);
        builder.HasIndex(secret => new { secret.OwnerKind, secret.OwnerId, secret.ToolKey, secret.ArgKey })
            .IsUnique().HasFilter("tool_key IS NOT NULL").HasDatabaseName(DefaultIndex);
        builder.HasIndex(secret => new { secret.OwnerKind, secret.OwnerId, secret.PatternArgKey })
            .HasFilter("pattern_arg_key IS NOT NULL").HasDatabaseName("ix_secrets_pattern_arg");
        builder.HasIndex(secret => new { secret.OwnerKind, secret.OwnerId, secret.CreatedAt, secret.Id })
            .HasDatabaseName("ix_secrets_listing");
        builder.HasOne<Owner>().WithMany()
            .HasForeignKey(secret => new { secret.OwnerKind, secret.OwnerId })
            .HasConstraintName("fk_secrets_owner")
            .OnDelete(DeleteBehavior.Restrict);
    }
}

internal sealed class SecretUseConfiguration : IEntityTypeConfiguration<SecretUse>
{
    public void Configure(EntityTypeBuilder<SecretUse> builder)
    {
        builder.ToTable("secret_uses");
        builder.HasKey(use => use.SecretId);
        builder.Property(use => use.SecretId).ValueGeneratedNever();
        builder.HasOne<Secret>().WithOne(secret => secret.Use)
            .HasForeignKey<SecretUse>(use => use.SecretId)
            .HasConstraintName("fk_secret_uses_secret")
            .OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class OwnerConfiguration : IEntityTypeConfiguration<Owner>
{
    public void Configure(EntityTypeBuilder<Owner> builder)
    {
        builder.ToTable("owners");
        builder.HasKey(owner => new { owner.Kind, owner.Id });
        builder.Property(owner => owner.Id).HasMaxLength(SecretOwner.MaxIdLength);
        builder.Property(owner => owner.Account).HasMaxLength(Account.SealedSize).IsFixedLength();
    }
}

internal static class PropertyConventions
{
    /// <summary>Twice the limit in code points: some databases count UTF-16 units.</summary>
    public static PropertyBuilder<T> HasTextLength<T>(this PropertyBuilder<T> property, TextLength length) =>
        property.HasMaxLength(2 * length.Maximum);

    /// <summary>A SHA-256 hash.</summary>
    public static PropertyBuilder<T> IsHash<T>(this PropertyBuilder<T> property) =>
        property.HasMaxLength(System.Security.Cryptography.SHA256.HashSizeInBytes).IsFixedLength();
}
