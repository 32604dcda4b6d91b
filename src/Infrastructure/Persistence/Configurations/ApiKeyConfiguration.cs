using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Secrets.Domain.ApiKeys;

namespace Secrets.Infrastructure.Persistence.Configurations;

internal sealed class ApiKeyConfiguration : IEntityTypeConfiguration<ApiKey>
{
    public void Configure(EntityTypeBuilder<ApiKey> builder)
    {
        builder.ToTable("api_keys");
        builder.HasKey(key => key.Id);
        builder.Property(key => key.Id).ValueGeneratedNever();
        builder.Property(key => key.Name).HasTextLength(ApiKey.NameLength);
        builder.Property(key => key.Prefix).HasMaxLength(ApiKeyText.PrefixLength);
        builder.Property(key => key.Hash).IsHash();
        builder.Property(key => key.OrganizationId).HasTextLength(Membership.OrganizationIdLength);
        builder.Ignore(key => key.Membership);
        builder.HasIndex(key => key.Prefix).IsUnique().HasDatabaseName("ux_api_keys_prefix");
        builder.HasIndex(key => new { key.CreatedAt, key.Id }).HasDatabaseName("ix_api_keys_listing");
        builder.HasIndex(key => key.UserId).HasDatabaseName("ix_api_keys_user");
        builder.HasIndex(key => key.CreatedByKey).HasDatabaseName("ix_api_keys_created_by_key");
        builder.HasIndex(key => key.ReplacedBy).HasDatabaseName("ix_api_keys_replaced_by");
        builder.HasIndex(key => key.OrganizationId).HasDatabaseName("ix_api_keys_organization");
    }
}
